"""A stage for whole calls: the real voice process and the carrier in a box on real sockets, in this loop.

The CRM's part is played by a small HTTP server and by the wire forms over a real Redis: commands in, events out.
"""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI, Response
from pydantic import SecretStr

import config
from agent.llm.playbook_file import read_document
from config.settings import Settings
from events import call as events
from events import command, plan, wire
from events.ids import new_id
from events.incoming import GIVEN_UP_PATH, INCOMING_PATH, GivenUp, IncomingAnswer, IncomingQuestion
from events.legs import LEG_PATH, LegAnswer, LegQuestion
from events.permit import LIFETIME_S, Permit, Purpose, seal
from events.standing import STANDING_PATH, Gone, StandingAnswer, StandingQuestion
from telephony.app import serve
from telephony.carrier.app import PERSONAS_DIR, create_app

NUMBER = "+12025550177"
PLAYBOOK = Path(config.__file__).parent / "playbooks" / "energy_meeting.yaml"


def free_port() -> int:
    """Return a port for a server that is to be started: not of those that the system gives to others meanwhile."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@dataclass
class Crm:
    """The CRM's side of the wire, with switches for its faults."""

    do_not_call: set[str] = field(default_factory=set)
    away: bool = False
    refused_legs: dict[str, str] = field(default_factory=dict)  # by number, with the reason
    legs: list[LegQuestion] = field(default_factory=list)  # that were asked for
    funded_s: int = 120  # of each leg
    gone: dict[UUID, Gone] = field(default_factory=dict)  # people who may not be in calls any more
    key: str = ""
    # What is answered about calls that come in, and which of them were given up.
    incoming: Callable[[IncomingQuestion], IncomingAnswer] = lambda _asked: IncomingAnswer(refused="number_unknown")
    incoming_delay_s: float = 0.0
    rung: list[IncomingQuestion] = field(default_factory=list)
    given_up: list[GivenUp] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post(wire.DO_NOT_CALL_PATH)
        async def asked(question: dict[str, str]) -> Any:
            if self.away:
                return Response(status_code=503)
            return {"do_not_call": question["number"] in self.do_not_call}

        @app.post(INCOMING_PATH)
        async def rings(body: dict[str, Any]) -> Response:
            if self.away:
                return Response(status_code=503)
            asked = msgspec.convert(body, IncomingQuestion)
            self.rung.append(asked)
            await asyncio.sleep(self.incoming_delay_s)
            return Response(msgspec.json.encode(self.incoming(asked)))

        @app.post(GIVEN_UP_PATH, status_code=204)
        async def given_up(body: dict[str, Any]) -> None:
            self.given_up.append(msgspec.convert(body, GivenUp))

        @app.post(STANDING_PATH)
        async def standing(body: dict[str, Any]) -> Response:
            people = msgspec.convert(body, StandingQuestion).people
            return Response(msgspec.json.encode(StandingAnswer(tuple(self.gone.get(one.user_id) for one in people))))

        @app.post(LEG_PATH)
        async def leg(body: dict[str, str]) -> Response:
            if self.away:
                return Response(status_code=503)
            return Response(msgspec.json.encode(self._leg(msgspec.convert(body, LegQuestion))))

        return app

    def _leg(self, question: LegQuestion) -> LegAnswer:
        self.legs.append(question)
        if question.number in self.refused_legs:
            return LegAnswer(refused=self.refused_legs[question.number])
        now = int(time.time())
        permit = Permit(
            question.leg_id,
            question.org_id,
            question.call_id,
            question.number,
            question.purpose,
            new_id(),
            self.funded_s,
            now,
            now + LIFETIME_S,
        )
        return LegAnswer(seal(permit, self.key), question.number)


@dataclass
class Stage:
    settings: Settings
    redis: redis.Redis
    crm: Crm
    http: httpx.AsyncClient
    stopping: asyncio.Event  # set: the voice process is told to stop
    hurry: asyncio.Event  # set: it is told again
    voice: asyncio.Task[None]  # ends when the process would
    org_id: UUID = field(default_factory=new_id)

    async def seat(self, persona: str, number: str = NUMBER, **more: str) -> None:
        reply = await self.http.post("/box/lines", json={"number": number, "persona": persona, **more})
        reply.raise_for_status()

    async def fault(self, **plan: Any) -> None:
        reply = await self.http.post("/box/faults", json=plan)
        reply.raise_for_status()

    def plan(self, call_id: UUID, **changes: Any) -> plan.CallPlan:
        values: dict[str, Any] = {
            "org_id": self.org_id,
            "call_id": call_id,
            "org_name": "Northwind Energy",
            "agent": plan.Agent(new_id(), "Alex"),
            "prospect": plan.Prospect(new_id(), "Sam"),
            "from_number": self.settings.from_number,
            "playbook": read_document(PLAYBOOK),
            "record": plan.RecordWhen.ALWAYS,
        }
        return plan.CallPlan(**(values | changes))

    def permit(self, call_id: UUID, number: str = NUMBER, funded_s: int = 300, **changes: Any) -> str:
        now = int(time.time())
        values: dict[str, Any] = {
            "id": new_id(),
            "org_id": self.org_id,
            "call_id": call_id,
            "number": number,
            "purpose": Purpose.PROSPECT,
            "decision_id": new_id(),
            "funded_s": funded_s,
            "issued_at": now,
            "expires_at": now + LIFETIME_S,
        }
        return seal(Permit(**(values | changes)), self.settings.secret_key.get_secret_value())

    async def send(self, body: command.CommandBody, expires_in_s: float = 10) -> command.Reply:
        order = command.Command(new_id(), time.time() + expires_in_s, body)
        key = wire.commands_key(self.settings.node)
        await self.redis.xadd(key, {wire.COMMAND_FIELD: command.encode(order)})
        answer: Any = await self.redis.blpop([wire.reply_key(order.id)], timeout=10)
        assert answer is not None, "no answer from the node"
        return command.decode_reply(answer[1])

    async def dial(self, call_id: UUID, number: str = NUMBER, **changes: Any) -> command.Reply:
        """Dial with a fresh permit; `changes` go to the plan."""
        return await self.send(command.Dial(self.permit(call_id, number), self.plan(call_id, **changes)))

    async def events_of(self, call_id: UUID) -> list[events.Event]:
        entries: Any = await self.redis.xrange(wire.event_stream(call_id))
        # What nobody commits is published again; a consumer knows each event by its epoch and number.
        found: dict[tuple[int, int], events.Event] = {}
        for _, fields in entries:
            event = events.decode(fields[wire.EVENT_FIELD])
            if event.call_id == call_id:
                found.setdefault((event.epoch, event.seq), event)
        return list(found.values())

    async def until(self, call_id: UUID, kind: type[events.Body], timeout_s: float = 60) -> list[events.Event]:
        """Wait for an event of a kind; return all events so far."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = await self.events_of(call_id)
                if any(isinstance(event.body, kind) for event in found):
                    return found
                await asyncio.sleep(0.1)

    async def until_turns(self, call_id: UUID, count: int, timeout_s: float = 60) -> list[events.Event]:
        """Wait for so many finished turns; return all events so far."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = await self.events_of(call_id)
                if sum(isinstance(event.body, events.TurnFinished) for event in found) >= count:
                    return found
                await asyncio.sleep(0.1)

    async def carrier_truth(self, found: list[events.Event]) -> dict[str, Any]:
        sid = next(event.body.carrier_call_id for event in found if isinstance(event.body, events.CarrierAccepted))
        reply = await self.http.get(f"/box/calls/{sid}")
        truth: dict[str, Any] = reply.json()
        return truth


def finished(found: list[events.Event]) -> events.Finished:
    bodies = [event.body for event in found if isinstance(event.body, events.Finished)]
    assert len(bodies) == 1, f"{len(bodies)} ends"
    return bodies[0]


@contextlib.asynccontextmanager
async def set_stage(redis_url: str, folder: Path, **changes: Any) -> AsyncGenerator[Stage]:
    """Run carrier, voice process and the CRM's stand-in until the body ends.

    `changes` go to the settings, but for `personas`: a folder of the carrier's.
    """
    personas = changes.pop("personas", PERSONAS_DIR)
    crm_port = free_port()
    values: dict[str, Any] = {
        "data_dir": folder,
        "voice_port": free_port(),
        "carrier_port": free_port(),
        "crm_url": f"http://127.0.0.1:{crm_port}",
        "redis_url": SecretStr(redis_url),
        "node": f"voice-{new_id().hex[-8:]}",
        "admit_by_load": False,  # the tests load the machine, and few are about that
    }
    settings = Settings(**(values | changes))
    crm = Crm(key=settings.secret_key.get_secret_value())
    stopping, hurry = asyncio.Event(), asyncio.Event()
    client = redis.Redis.from_url(redis_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for app, port in ((create_app(settings, personas), settings.carrier_port), (crm.app(), crm_port)):
            server = Server(uvicorn.Config(app, port=port, log_config=None, ws="websockets-sansio"))
            tasks.create_task(server.serve())
            stack.callback(_stop(server))
        voice = tasks.create_task(serve(settings, stopping, hurry))
        stack.callback(stopping.set)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.carrier_address))
        await ready(f"http://127.0.0.1:{settings.voice_port}/health/ready")
        await ready(f"{settings.carrier_address}/health/ready")
        yield Stage(settings, client, crm, http, stopping, hurry, voice)


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def _stop(server: uvicorn.Server) -> Callable[[], None]:
    def stop() -> None:
        server.should_exit = True

    return stop


async def ready(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
