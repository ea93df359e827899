"""The bench's voice process: the product's whole call path with minds that take no time, open to any stream.

Room, conversation, state machine, outbox with its journal and a real Redis, recorder and archive are the product's
own. In the place of the dialler stands a socket on loopback, `/stream`, where each stream that sends `start` becomes
a call. In the place of the CRM, the events of a closed call count as taken a moment later.
A stream at `/stream/NAME` shows NAME as its key at the providers, and `/told/NAME` has its events when it is over.
People come to such calls by the product's own socket; `/people` tells where it is, and what tickets are signed with.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import redis.asyncio as redis
import structlog
import uvloop
from fastapi import FastAPI, Response, WebSocket
from redis.exceptions import RedisError

from agent import report
from agent.minds import MindsUnavailable
from agent.ports import Minds
from bench.fakes import instant_minds
from bench.inventory import take_inventory
from bench.loop_lag import LagMeter
from bench.loopback_carrier import FUNDED_S, ArrivingCall, LoopbackCarrier, new_order, new_plan
from bench.people.door import bench_door, door_routes
from bench.providers.process import Behind
from bench.socket_minds import SocketMinds
from bench.told import Told
from events import wire
from events.ids import new_id
from events.plan import CallPlan
from media.activity.silero import Silero
from media.clock import Clock
from media.load import Gauge
from media.load_sampler import LoadSampler
from media.recording.store import open_store
from telephony.admission import Admission, NoRoom
from telephony.call.archive import Archive
from telephony.call.services import Services
from telephony.call.session import CallSession
from telephony.call.signals import HangUpAsked
from telephony.calls import Calls
from telephony.interpreter import settle
from telephony.outbox import Outbox
from telephony.people.socket import Door
from telephony.twilio.leg import run_leg
from telephony.web_server import stream_server

log = structlog.get_logger()

HOST: Final = "127.0.0.1"  # streams are unsigned here: loopback only, and no setting changes that
COMMIT_EVERY_S: Final = 1.0
REDIS_TIMEOUT_S: Final = 2.0
HANG_UP_S: Final = 10.0
FLUSH_S: Final = 5.0
_TRY_AGAIN_LATER: Final = 1013  # RFC 6455's registry of close codes


class BenchServer:
    """All parts of the process, and their lives."""

    def __init__(
        self, folder: Path, redis_url: str, max_calls: int, *, by_load: bool, providers: SocketMinds | None = None
    ) -> None:
        """`providers` leads to bench/providers/server.py and is the caller's; without it minds are in this process."""
        self._folder = folder
        self._redis = redis.Redis.from_url(redis_url, socket_connect_timeout=2)
        self._max_calls = max_calls
        self._by_load = by_load
        self._org_id = new_id()
        self._calls: Calls | None = None
        self._admission: Admission | None = None
        self._services: Services | None = None
        self._uncommitted: set[UUID] = set()  # calls whose events nobody has taken yet
        self._lag = LagMeter(time.monotonic)
        self._providers = providers
        self._told = Told()
        self._names: dict[UUID, str] = {}  # of calls that came by one
        self._door: Door | None = None  # for people

    @property
    def ready(self) -> bool:
        return self._admission is not None

    def web(self) -> FastAPI:
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.include_router(door_routes(self._org_id, lambda: self._door, self._live_by_name))

        @app.websocket("/stream")
        @app.websocket("/stream/{name}")
        async def stream(socket: WebSocket, name: str = "") -> None:
            assert self._admission is not None, "served once everything runs"
            await socket.accept()
            with contextlib.ExitStack() as door:
                try:
                    door.enter_context(self._admission.place())
                except NoRoom as refusal:
                    await socket.close(_TRY_AGAIN_LATER, refusal.code)
                    return
                slot: list[CallSession] = []
                plan = new_plan(self._org_id)
                if name:
                    self._names[plan.call_id] = name
                try:
                    plan, minds = await self._open_minds(plan, name, slot)
                except MindsUnavailable:
                    self._names.pop(plan.call_id, None)
                    await socket.close(_TRY_AGAIN_LATER, "speech_away")
                    return
                call = ArrivingCall(lambda: self._open_call(door, plan, minds, slot))
                await run_leg(socket, call)
                if not call.began:
                    self._names.pop(plan.call_id, None)
                    await minds.aclose()

        @app.get("/stats")
        async def stats() -> Response:
            held = {
                "calls": 0 if self._calls is None else len(self._calls),
                "lag_ms": self._lag.counts(),  # ticks of the clock by how many whole ms they came late
                "waterfalls": list(self._told.waterfalls),
                "fed": self._fed(),
                "inventory": take_inventory(self._folder / "journal", self._folder / "spool"),
            }
            return Response(msgspec.json.encode(held), media_type="application/json")

        @app.get("/told/{name}")
        async def told(name: str) -> Response:
            bodies = self._told.of(name)
            status = 404 if bodies is None else 200
            return Response(msgspec.json.encode(bodies), status, media_type="application/json")

        return app

    def _live_by_name(self) -> dict[str, UUID]:
        calls = self._calls
        return {} if calls is None else {name: one for one, name in self._names.items() if calls.get(one) is not None}

    def _fed(self) -> dict[str, int]:
        """What recognisers were given of the audio of the calls that are live."""
        fed = [] if self._calls is None else [call.conversation.ears.fed for call in self._calls.live()]
        return {"heard_ms": sum(one.heard_ms for one in fed), "fed_ms": sum(one.fed_ms for one in fed)}

    async def _open_minds(self, plan: CallPlan, name: str, slot: list[CallSession]) -> tuple[CallPlan, Minds]:
        if self._providers is None:
            return plan, instant_minds()
        plan = self._providers.plan(plan, name)
        # The words of a call that does not exist yet are nobody's.
        minds = await self._providers.open(
            plan,
            lambda text: slot[0].conversation.ears.on_partial(text) if slot else None,
            lambda sign: slot[0].conversation.ears.on_turn_sign(sign) if slot else None,
            lambda used: slot[0].emit(report.model_used(used)) if slot else None,
        )
        return plan, minds

    def _find(self, call_id: UUID) -> CallSession | None:
        return self._calls.get(call_id) if self._calls is not None else None

    def _open_call(
        self, door: contextlib.ExitStack, plan: CallPlan, minds: Minds, slot: list[CallSession]
    ) -> CallSession:
        assert self._calls is not None
        assert self._services is not None
        session = CallSession(plan, FUNDED_S, new_order(plan), minds, self._services)
        slot.append(session)
        session.place()
        self._calls.start(session)
        door.close()  # the call counts by itself from here on
        self._uncommitted.add(plan.call_id)
        return session

    async def run(self, stopping: asyncio.Event) -> None:
        """Take calls until told to stop, then end them."""
        journal, spool, store = (self._folder / name for name in ("journal", "spool", "store"))
        for folder in (journal, spool, store):
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        silero, clock, outbox = Silero(), Clock(), Outbox(journal, self._redis)
        archive = Archive(open_store(store.as_uri()), store.as_uri(), spool, journaled=outbox.journaled)
        async with (
            bench_door(self._redis, self._find) as door,
            asyncio.TaskGroup() as calls_group,
            asyncio.TaskGroup() as own,
        ):
            self._door = door
            calls = Calls(calls_group, self._max_calls, lambda call: door.presences.call_over(call.call_id))
            carrier = LoopbackCarrier(calls.get)
            self._services = Services(carrier, silero, clock, outbox, archive)
            self._calls, gauge = calls, Gauge()
            self._admission = Admission(calls, gauge, outbox, by_load=self._by_load)
            clock.subscribe(self._lag.tick)
            works: list[tuple[Coroutine[Any, Any, None], str]] = [
                (clock.run(), "clock"),
                (outbox.run(), "outbox"),
                (archive.run(), "archive"),
                (self._commit(calls), "commit"),
                (LoadSampler(gauge, clock, silero, lambda: (calls.with_audio, calls.underruns)).run(), "load"),
            ]
            running = [own.create_task(work, name=name) for work, name in works]
            settle()
            await stopping.wait()
            calls.draining = True
            for call in calls.live():
                call.put(HangUpAsked("node_stopping"))
            if not await calls.wait_empty(HANG_UP_S):
                log.warning("bench.calls_left", calls=len(calls))
            await outbox.drain(FLUSH_S)
            for task in running:
                task.cancel()
        await self._redis.aclose()

    async def _commit(self, calls: Calls) -> None:
        """Play the CRM that has taken all events of each call that is over, so that journals go."""
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            over = [call_id for call_id in self._uncommitted if calls.get(call_id) is None]
            untold = [call_id for call_id in self._names if calls.get(call_id) is None]
            if not over and not untold:
                continue
            # Beyond any number that a call reaches.
            marks = {wire.committed_key(self._org_id, call_id): f"1:{2**31}" for call_id in over}
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    if self._providers is not None:
                        await self._told.read(self._redis, {*over, *untold}, self._names)
                    pipe = self._redis.pipeline(transaction=False)
                    if marks:
                        pipe.mset(marks)
                    for stream in {wire.event_stream(call_id) for call_id in over}:
                        # A CRM trims what it has taken; where nothing is read, nobody reads what is left either.
                        read_to = self._told.read_to(stream)
                        pipe.xtrim(stream, maxlen=None if read_to else 0, minid=read_to, approximate=False)
                    await pipe.execute()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("bench.commit_failed", reason=type(error).__name__)
                continue
            self._uncommitted.difference_update(over)
            # Without providers nobody asks what a call told.
            done = over if self._providers is None else []
            self._names = {
                one: name for one, name in self._names.items() if one not in done and self._told.of(name) is None
            }


async def serve(server: BenchServer, stopping: asyncio.Event, announce: Callable[[str], None]) -> None:
    """Serve until `stopping` is set. `announce` gets the stream's address once it takes connections."""
    listener = socket.create_server((HOST, 0), backlog=1024)
    web = stream_server(server.web())
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        serving = tasks.create_task(web.serve(sockets=[listener]), name="web")
        running = tasks.create_task(server.run(stopping), name="server")
        while not (web.started and server.ready) and not running.done():  # noqa: ASYNC110 - uvicorn offers a flag, no event
            await asyncio.sleep(0.01)
        announce(f"ws://{HOST}:{listener.getsockname()[1]}/stream")
        await running
        web.should_exit = True
        await serving


def run(folder: Path, redis_url: str, max_calls: int, pid: int, *, by_load: bool, behind: Behind | None = None) -> None:
    """Run the process to its end by SIGTERM or SIGINT; prints one line of JSON when it is ready.

    `by_load`: refuse calls as the product does; otherwise only those beyond `max_calls`. Without `behind` the minds
    are in this process.
    """

    def announce(stream_url: str) -> None:
        sys.stdout.write(msgspec.json.encode({"pid": pid, "stream_url": stream_url}).decode() + "\n")
        sys.stdout.flush()

    async def until_signalled() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        async with contextlib.AsyncExitStack() as stack:
            providers = None
            if behind is not None:
                started = SocketMinds.start(behind, folder / "phrases")
                providers = await stack.enter_async_context(started)
            server = BenchServer(folder, redis_url, max_calls, by_load=by_load, providers=providers)
            await serve(server, stopping, announce)

    uvloop.run(until_signalled())
