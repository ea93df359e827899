"""The stream's outbox: bounded, oldest out first, nothing lost to a cancelled reader."""

import asyncio

import pytest

from telephony.carrier.stream import Outbox


async def test_a_server_that_takes_nothing_loses_the_oldest() -> None:
    outbox = Outbox(2)
    for message in ("a", "b", "c"):
        outbox.put(message)
    assert outbox.dropped == 1
    assert [await outbox.get(), await outbox.get()] == ["b", "c"]


async def test_a_cancelled_reader_takes_nothing_along() -> None:
    outbox = Outbox(2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await outbox.get()
    outbox.put("a")
    assert outbox.drain() == ["a"]
    assert outbox.drain() == []
