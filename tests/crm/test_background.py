"""Work beside a block: it runs while the block does, ends with it, and its failure ends the block."""

import asyncio

import pytest

from crm.background import beside


async def test_work_runs_with_the_block_and_ends_with_it() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("ended")

    async with beside(work(), "work"):
        await asyncio.sleep(0)
        assert steps == ["began"]
    assert steps == ["began", "ended"]


async def test_work_that_fails_ends_the_block() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), beside(work(), "work"):
            await asyncio.Event().wait()
    assert caught.group_contains(ValueError, match="broken")
