"""The loop of the simulation: time jumps, threads are instant, and nothing hides from it."""

import asyncio

import pytest

from bench.sim.loop import START_S, Deadlock, SimLoop, run_virtual


def test_an_hour_passes_at_once_and_in_order() -> None:
    async def main(loop: SimLoop) -> list[float]:
        woke: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woke.append(loop.time() - START_S)

        async with asyncio.TaskGroup() as tasks:
            for seconds in (3_600.0, 0.25, 60.0):
                tasks.create_task(sleeper(seconds))
        return woke

    assert run_virtual(main) == [0.25, 60.0, 3_600.0]


def test_work_for_a_thread_takes_no_time_and_its_fault_arrives() -> None:
    async def main(loop: SimLoop) -> float:
        assert await asyncio.to_thread(lambda: 7) == 7
        with pytest.raises(OSError, match="disk"):
            await asyncio.to_thread(_fails)
        return loop.time()

    assert run_virtual(main) == START_S


def _fails() -> None:
    raise OSError("disk")


def test_waiting_for_nothing_is_told() -> None:
    async def main(_: SimLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run_virtual(main)


def test_timers_that_are_left_are_seen() -> None:
    async def main(loop: SimLoop) -> tuple[int, int]:
        timer = loop.call_later(5, print)
        before = len(loop.timers())
        timer.cancel()
        return before, len(loop.timers())

    assert run_virtual(main) == (1, 0)


def test_an_exception_that_nobody_took_is_noted() -> None:
    async def main(loop: SimLoop) -> list[str]:
        loop.call_soon(_fails)
        await asyncio.sleep(1)
        return loop.faults

    assert "disk" in run_virtual(main)[0]
