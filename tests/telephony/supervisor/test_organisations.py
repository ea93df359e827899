"""All live calls of an organisation as one stream over a real Redis: across nodes, from any place on, none twice."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
import redis.asyncio as redis
from hypothesis import given
from hypothesis import strategies as st

from events import call as events
from events import wire
from events.ids import new_id
from telephony.people.figures import PeopleFigures
from telephony.supervisor.messages import of_organisation
from telephony.supervisor.organisations import WAITING_MAX, BadPlace, Organisations, read_id


def packed(call_id: UUID, org_id: UUID, seq: int) -> bytes:
    return of_organisation(events.Event(org_id, call_id, 1, seq, datetime.now(UTC), events.Answered()))


@contextlib.asynccontextmanager
async def node(url: str, figures: PeopleFigures | None = None) -> AsyncGenerator[Organisations]:
    client = redis.Redis.from_url(url)
    try:
        async with asyncio.TaskGroup() as tasks:
            made = Organisations(client, figures or PeopleFigures())
            running = tasks.create_task(made.run())
            yield made
            running.cancel()
    finally:
        await client.aclose()


async def until(got: list[bytes], count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(20):
        while True:
            if len(got) >= count:
                break
            await asyncio.sleep(0.02)
    return [msgspec.msgpack.decode(message) for message in got]


async def test_people_of_one_node_follow_the_calls_of_another(redis_url: str) -> None:
    org_id, other_org = new_id(), new_id()
    mine, theirs = new_id(), new_id()
    got: list[bytes] = []
    async with node(redis_url) as one, node(redis_url) as two:
        two.follow("s1", org_id, "", got.append)
        one.publish(other_org, packed(new_id(), other_org, 1))
        for seq in range(1, 4):
            one.publish(org_id, packed(mine, org_id, seq))
        two.publish(org_id, packed(theirs, org_id, 1))
        messages = await until(got, 4)
        assert {(message["call"], message["seq"]) for message in messages} == {
            (str(mine), 1),
            (str(mine), 2),
            (str(mine), 3),
            (str(theirs), 1),
        }
        assert {message["say"] for message in messages} == {"org"}
        # Somebody comes in between, from a place that was known; the first one gets nothing twice.
        place = messages[1]["id"]
        late: list[bytes] = []
        two.follow("s2", org_id, place, late.append)
        assert [m["id"] for m in await until(late, 2)] == [m["id"] for m in messages[2:]]
        one.publish(org_id, packed(mine, org_id, 4))
        await until(late, 3)
        assert len(await until(got, 5)) == 5
        two.unfollow("s1")
        two.unfollow("s2")


async def test_an_entry_that_nobody_can_read_is_passed_over(redis_url: str) -> None:
    org_id, got = new_id(), list[bytes]()
    client = redis.Redis.from_url(redis_url)
    async with node(redis_url) as one, contextlib.aclosing(client):
        await client.xadd(wire.live_stream(org_id), {wire.LIVE_FIELD: b"\xc1"})
        one.follow("s1", org_id, "", got.append)
        one.publish(org_id, packed(new_id(), org_id, 1))
        assert [message["seq"] for message in await until(got, 1)] == [1]


async def test_without_redis_entries_are_lost_and_counted_and_nothing_waits() -> None:
    org_id = new_id()
    figures = PeopleFigures()
    async with node("redis://127.0.0.1:1/0", figures) as alone:
        alone.follow("s1", org_id, "", lambda _message: None)
        alone.publish(org_id, packed(new_id(), org_id, 1))
        async with asyncio.timeout(20):
            while True:
                if figures.live_dropped:
                    break
                await asyncio.sleep(0.02)


def test_what_redis_does_not_take_is_bounded() -> None:
    figures = PeopleFigures()
    waiting = Organisations(redis.Redis(), figures)
    for _ in range(WAITING_MAX + 3):
        waiting.publish(UUID(int=1), b"")
    assert figures.live_dropped == 3


@given(st.text(max_size=50) | st.from_regex(r"[0-9]{1,30}-[0-9]{1,30}", fullmatch=True))
def test_any_place_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadPlace):
        milliseconds, number = read_id(text)
        assert not text or text.lstrip("0").startswith(str(milliseconds).lstrip("0"))
        assert number >= 0


@pytest.mark.parametrize("text", ["x", "1", "1-", "-1", "1-2-3", "１-1", "$"])
def test_no_other_form_is_a_place(text: str) -> None:
    with pytest.raises(BadPlace, match="after"):
        read_id(text)
