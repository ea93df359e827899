"""What is read of the calls' events before their streams are trimmed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from redis.asyncio import Redis

from bench.told import Told
from events import call as events
from events import wire
from events.ids import new_id

ORG = new_id()
TIMED = events.TurnTimed(turn=1)
REDIS_NUMBER = 13  # a database that no other test uses: streams are read and trimmed whole


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(f"{redis_url.rpartition('/')[0]}/{REDIS_NUMBER}")
    await client.flushdb()
    yield client
    await client.aclose()


def calls_of_one_stream() -> tuple[UUID, UUID]:
    first = new_id()
    while True:
        second = new_id()
        if wire.event_stream(second) == wire.event_stream(first):
            return first, second


async def tell(redis: Redis, call_id: UUID, seq: int, body: events.Body) -> None:
    event = events.Event(ORG, call_id, 1, seq, datetime.now(UTC), body)
    await redis.xadd(wire.event_stream(call_id), {wire.EVENT_FIELD: events.encode(event)})


async def test_a_named_call_is_told_whole_though_its_stream_was_trimmed_for_another(redis: Redis) -> None:
    first, second = calls_of_one_stream()
    names = {first: "first", second: "second"}
    told = Told()
    await tell(redis, first, 1, events.Answered())
    await tell(redis, second, 1, TIMED)
    await tell(redis, first, 2, events.Closed())
    await told.read(redis, {first}, names)
    assert told.of("first") == [events.Answered(), events.Closed()]
    assert told.of("second") is None
    await tell(redis, second, 2, events.Answered())
    stream = wire.event_stream(first)
    await redis.xtrim(stream, minid=told.read_to(stream), approximate=False)
    await told.read(redis, {second}, names)
    assert told.of("second") is None, "its last event has not come yet"
    await tell(redis, second, 3, events.Closed())
    await told.read(redis, {second}, names)
    assert told.of("second") == [TIMED, events.Answered(), events.Closed()]
    assert list(told.waterfalls) == [TIMED]


async def test_what_could_not_be_trimmed_is_not_read_twice(redis: Redis) -> None:
    call_id = new_id()
    told = Told()
    await tell(redis, call_id, 1, TIMED)
    await told.read(redis, {call_id}, {})
    await told.read(redis, {call_id}, {})
    assert list(told.waterfalls) == [TIMED]
    assert told.of("") is None
    assert told.read_to(wire.event_stream(call_id)) is not None
