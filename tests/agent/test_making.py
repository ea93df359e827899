"""One answer at a time, and nothing of an abandoned one goes on."""

import asyncio

from agent.making import Making


async def test_what_is_abandoned_has_let_go_when_it_returns() -> None:
    making, let_go = Making(), list[str]()

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            let_go.append(name)

    assert making.done
    await making.abandon()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        making.start(tasks, work("one"))
        await asyncio.sleep(0)
        states = [making.done]
        await making.abandon()
        assert let_go == ["one"]
        making.start(tasks, work("two"))
        await asyncio.sleep(0)
        making.cancel()
    assert [*states, making.done] == [False, True]
    assert let_go == ["one", "two"]
