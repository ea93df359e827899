"""A bounded queue that is never in the way of who puts."""

import asyncio

from agent.signal_queue import SignalQueue


async def test_signals_come_in_order_and_a_flood_is_counted() -> None:
    queue: SignalQueue[int] = SignalQueue(3)
    for number in range(5):
        queue.put(number)
    assert queue.dropped == 2
    assert await queue.get() == 0
    assert queue.take_all() == [1, 2]
    assert queue.take_all() == []
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(9)
        assert await waiting == 9
