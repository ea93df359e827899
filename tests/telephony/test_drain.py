"""Told to stop: what becomes of the calls, step by step, and on the stage what becomes of what they leave."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from events import call as events
from events import command, wire
from events.call import Outcome, State
from events.ids import new_id
from telephony import drain as drain_module
from telephony.call.ending import EndsSoon, Why
from telephony.call.session import CallSession
from telephony.call.signals import CallSignal, HangUpAsked, SayGoodbye
from telephony.calls import Calls
from telephony.drain import GOODBYE_S, drain
from tests.telephony.stage import Stage, finished, free_port, ready, set_stage


class Empty:
    """A room without listeners."""

    def shed_taps(self, shed: bool) -> None: ...


@dataclass
class Call:
    """Ends on one kind of signal, or only when it is cancelled."""

    ends_on: type[CallSignal] | None = None
    call_id: UUID = field(default_factory=new_id)
    line_opened_at: float | None = 0.0
    room: Empty = field(default_factory=Empty)
    told: list[CallSignal] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, signal: CallSignal) -> None:
        self.told.append(signal)
        if self.ends_on is not None and isinstance(signal, self.ends_on):
            self.over.set()

    async def run(self) -> None:
        await self.over.wait()


@contextlib.asynccontextmanager
async def live(*fakes: Call) -> AsyncGenerator[Calls]:
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        calls = Calls(tasks, 10)
        for fake in fakes:
            calls.start(cast(CallSession, fake))
        yield calls


async def test_a_call_that_ends_by_itself_is_only_warned() -> None:
    call = Call()
    async with live(call) as calls:
        asyncio.get_running_loop().call_later(0.05, call.over.set)
        assert await drain(calls, 3_600, asyncio.Event()) == 0
        assert calls.draining
    assert call.told == [EndsSoon(Why.NODE_STOPS, 3_600)], "who talks in it knows"


async def test_an_empty_node_stops_at_once() -> None:
    async with live() as calls:
        assert await drain(calls, 3_600, asyncio.Event()) == 0


async def test_a_call_that_is_being_prepared_is_waited_for() -> None:
    async with live() as calls:
        with calls.place():
            draining = asyncio.get_running_loop().create_task(drain(calls, 3_600, asyncio.Event()))
            await asyncio.sleep(0.05)
            assert not draining.done()
        assert await draining == 0


async def test_before_the_deadline_it_says_goodbye_and_at_the_deadline_it_hangs_up() -> None:
    polite, deaf = Call(ends_on=SayGoodbye), Call(ends_on=HangUpAsked)
    async with live(polite, deaf) as calls:
        assert await drain(calls, 0.1, asyncio.Event()) == 0
    soon = EndsSoon(Why.NODE_STOPS, 0.1)
    assert polite.told == [soon, soon, SayGoodbye()]
    assert deaf.told == [soon, soon, SayGoodbye(), HangUpAsked("node_stopping")]


async def test_what_does_not_end_is_left_to_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain_module, "CLOSE_S", 0.05)
    async with live(Call(), Call(ends_on=HangUpAsked)) as calls:
        assert await drain(calls, 0, asyncio.Event()) == 1
        assert len(calls) == 0


async def test_each_further_order_skips_to_the_next_step() -> None:
    polite, deaf = Call(ends_on=SayGoodbye), Call(ends_on=HangUpAsked)
    async with live(polite, deaf) as calls:
        hurry = asyncio.Event()
        draining = asyncio.get_running_loop().create_task(drain(calls, 3_600, hurry))
        await asyncio.sleep(0.05)
        assert polite.told == [EndsSoon(Why.NODE_STOPS, 3_600)]
        hurry.set()
        await asyncio.sleep(0.05)
        assert polite.told[1:] == deaf.told[1:] == [EndsSoon(Why.NODE_STOPS, GOODBYE_S), SayGoodbye()]
        hurry.set()
        assert await draining == 0
    assert deaf.told[-1] == HangUpAsked("node_stopping")


# On the stage

stage_test = pytest.mark.timeout(150)


@stage_test
async def test_a_draining_node_refuses_finishes_and_says_goodbye(redis_url: str, tmp_path: Path) -> None:
    """One call is hung up by a person meanwhile, one is told goodbye; both are whole."""
    async with set_stage(redis_url, tmp_path, drain_s=14) as stage:
        numbers = {"hung_up": "+12025550171", "goodbye": "+12025550172"}
        calls = {name: new_id() for name in numbers}
        for name, number in numbers.items():
            await stage.seat("eager", number)
            assert (await stage.dial(calls[name], number)).accepted
            await stage.until(calls[name], events.TurnFinished, 30)
        stage.stopping.set()
        await asyncio.sleep(0)
        assert (await stage.dial(new_id())).reason == "node_draining"
        report = await announced_draining(stage)
        assert (report.refuses, report.calls) == ("node_draining", 2), "the CRM passes it over, and may still hang up"
        assert (await stage.send(command.HangUp(stage.org_id, calls["hung_up"]))).accepted
        found = {name: await stage.until(call_id, events.Closed, 60) for name, call_id in calls.items()}
        async with asyncio.timeout(20):
            await stage.voice
        assert not await stage.redis.exists(wire.node_key(stage.settings.node)), "withdrawn"
    for name in calls:
        assert finished(found[name]).state is State.ENDED
        assert [body for body in bodies(found[name]) if isinstance(body, events.RecordingStored)], name
    assert finished(found["hung_up"]).outcome is Outcome.HUNG_UP
    assert finished(found["goodbye"]).reason == "node_stopping"
    said = [body.heard_text for body in bodies(found["goodbye"]) if isinstance(body, events.TurnFinished)]
    assert any("time is up" in text for text in said), said
    assert not list(tmp_path.glob("voice/*/spool/*.rec")), "nothing is left to the next start"


async def announced_draining(stage: Stage) -> wire.NodeReport:
    async with asyncio.timeout(5):
        while True:
            raw = await stage.redis.get(wire.node_key(stage.settings.node))
            assert isinstance(raw, bytes), "it is announced until its last call is over"
            report = msgspec.msgpack.decode(raw, type=wire.NodeReport)
            if report.draining:
                return report
            await asyncio.sleep(0.1)


@stage_test
async def test_what_cannot_be_stored_in_time_is_stored_by_the_next_start(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store takes connections and never answers."""
    monkeypatch.setattr(drain_module, "CLOSE_S", 5.0)
    enough = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await enough.wait()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    call_id = new_id()
    kept: dict[str, Any] = {"node": "voice-kept", "drain_s": 0}
    async with set_stage(redis_url, tmp_path, store_url="s3://recordings/here", **kept) as stage:
        org_id = stage.org_id
        await stage.seat("eager")
        assert (await stage.dial(call_id)).accepted
        await stage.until(call_id, events.TurnFinished, 30)
        stage.stopping.set()
        async with asyncio.timeout(30):
            await stage.voice
        left = await stage.events_of(call_id)
    enough.set()
    silent.close()
    assert finished(left).reason == "node_stopping"
    assert not [event for event in left if isinstance(event.body, events.Closed)]
    assert list(tmp_path.glob("voice/voice-kept/spool/*.rec"))

    async with set_stage(redis_url, tmp_path, **kept) as stage:
        stage.org_id = org_id
        whole = await stage.until(call_id, events.Closed, 60)
    finished(whole)  # still one end
    (stored,) = [body for body in bodies(whole) if isinstance(body, events.RecordingStored)]
    assert stored.duration_s > 1
    assert not list(tmp_path.glob("voice/voice-kept/spool/*.rec"))


def bodies(found: list[events.Event]) -> list[events.Body]:
    return [event.body for event in found]


@stage_test
async def test_a_process_that_is_told_to_stop_ends_with_status_0(redis_url: str, tmp_path: Path) -> None:
    """Told twice, it does not die of the second signal either."""
    port = free_port()
    environment = os.environ | {
        "SALESOS_REDIS_URL": redis_url,
        "SALESOS_DATA_DIR": str(tmp_path),
        "SALESOS_VOICE_PORT": str(port),
        "SALESOS_NODE": f"voice-{new_id().hex[-8:]}",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "salesos", "voice", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await ready(f"http://127.0.0.1:{port}/health/ready")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
