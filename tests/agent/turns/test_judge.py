"""Asking smart-turn: answers, refusals, and children that misbehave, all with real processes."""

import asyncio
import os
import signal
import sys

import pytest

from agent.turns import judge
from agent.turns.judge import SmartTurnProcess
from agent.turns.queue_time import QUEUE_MAX_S
from agent.turns.smart_turn import SmartTurn
from tests.agent.turns.sounds import silence, spoken

# Peers that misbehave: they speak the wire's first word and then go wrong.
READY = (
    "import sys,time;from agent import worker_frames as f;from agent.turns import judge_wire as w;o=sys.stdout.buffer;"
    "o.write(f.encode(w.Ready(1.0)));"
)
STALLED = READY + "o.flush();time.sleep(600)"
DIES = READY + "o.flush();sys.stdin.buffer.read(4)"
GARBAGE = READY + "o.flush();sys.stdin.buffer.read(4);o.write(b'\\xff'*64);o.flush();time.sleep(600)"
NEVER_READY = "raise SystemExit(1)"


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def asked(process: SmartTurnProcess, pcm: bytes) -> float | None:
    answered: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
    process.ask(pcm, answered.set_result)  # a second answer would raise
    async with asyncio.timeout(70):
        return await answered


async def until_alive(process: SmartTurnProcess) -> None:
    async with asyncio.timeout(60):
        while not process.alive:  # noqa: ASYNC110 - it tells nobody but metrics
            await asyncio.sleep(0.01)


async def test_the_child_judges_as_the_network_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ANSWER_TIMEOUT_S", 60.0)  # the machine may be busy, and it gives way
    pcm = spoken("Yes, I would like that.") + silence(200)
    async with SmartTurnProcess.start() as process:
        assert await asked(process, pcm) == pytest.approx(SmartTurn().judge(pcm), abs=1e-6)
        assert (process.judged, process.refused, process.late) == (1, 0, 0)
        if process.pid is not None and hasattr(os, "SCHED_IDLE"):
            assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE, "the calls' own work comes first"


async def test_who_would_have_to_wait_is_told_none_at_once() -> None:
    async with SmartTurnProcess.start(child(STALLED)) as process:
        process._queue.run_s = 4 * QUEUE_MAX_S
        first: list[float | None] = []
        process.ask(silence(500), first.append)
        assert not first
        second: list[float | None] = []
        process.ask(silence(500), second.append)
        assert second == [None]
        assert process.refused == 1


async def test_an_answer_that_does_not_come_is_none_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ANSWER_TIMEOUT_S", 0.01)
    async with SmartTurnProcess.start(child(STALLED)) as process:
        assert await asked(process, silence(500)) is None
        assert process.late == 1


async def test_a_stalled_child_is_killed_at_the_next_question_and_another_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judge, "ANSWER_TIMEOUT_S", 0.01)
    monkeypatch.setattr(judge, "STALLED_S", 0.02)
    async with SmartTurnProcess.start(child(STALLED)) as process:
        before = process.pid
        assert await asked(process, silence(500)) is None
        await asyncio.sleep(0.03)
        assert await asked(process, silence(500)) is None
        async with asyncio.timeout(15):
            while process.pid in (before, None):  # noqa: ASYNC110 - it tells nobody but metrics
                await asyncio.sleep(0.01)
        assert process.restarts == 1


@pytest.mark.parametrize("code", [DIES, GARBAGE])
async def test_a_child_that_dies_or_talks_nonsense_answers_none_and_is_started_again(code: str) -> None:
    async with SmartTurnProcess.start(child(code)) as process:
        assert await asked(process, silence(500)) is None
        await until_alive(process)
        assert process.restarts == 1


async def test_a_killed_child_comes_back() -> None:
    async with SmartTurnProcess.start() as process:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while process.alive:  # noqa: ASYNC110 - it tells nobody but metrics
                await asyncio.sleep(0.01)
        assert await asked(process, silence(500)) is None
        await until_alive(process)


async def test_calls_do_without_a_child_that_never_starts() -> None:
    async with SmartTurnProcess.start(child(NEVER_READY)) as process:
        assert not process.alive
        assert await asked(process, silence(500)) is None


async def test_no_child_is_left_behind() -> None:
    async with SmartTurnProcess.start() as process:
        pid = process.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
