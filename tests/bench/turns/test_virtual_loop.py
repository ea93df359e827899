"""A loop whose clock jumps."""

import asyncio
import time

import pytest

from bench.turns.virtual_loop import Stuck, VirtualLoop


def test_an_hour_passes_at_once_and_in_order() -> None:
    said: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        said.append((name, asyncio.get_running_loop().time()))

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait("late", 3_600))
            tasks.create_task(wait("early", 0.02))

    began = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(both())
    assert [name for name, _ in said] == ["early", "late"]
    assert said[1][1] == pytest.approx(3_600)
    assert time.monotonic() - began < 60


def test_waiting_for_what_never_comes_is_an_error() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    loop = VirtualLoop()
    waiting = asyncio.Task(wait(), loop=loop)
    with pytest.raises(Stuck):
        loop.run_until_complete(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(waiting)
    loop.close()
