"""Who attends, over a real Redis: shown while their page is there, gone with it, and never in two places."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

import redis.asyncio as redis

from events import attendance as wire_form
from events import wire
from events.attendance import Availability, SeatReport
from events.ids import new_id
from telephony.queues.attendance import Attendance, Person, claim, keep, release

WAIT_S = 20


class FakePage:
    def __init__(self, person: Person, *, ready: bool = True) -> None:
        self.person = person
        self.report = SeatReport(person[1], "Ada", "n1", new_id(), ready, 1.0)
        self.over = asyncio.Event()

    def replaced(self) -> None:
        self.over.set()


@contextlib.asynccontextmanager
async def node(url: str, talking: dict[Person, UUID]) -> AsyncGenerator[tuple[Attendance, redis.Redis]]:
    client = redis.Redis.from_url(url)
    try:
        async with asyncio.TaskGroup() as tasks:
            made = Attendance(client, lambda: talking.items())
            running = tasks.create_task(made.run())
            yield made, client
            running.cancel()
    finally:
        await client.aclose()


async def stands(client: redis.Redis, person: Person) -> Availability:
    seat: Any = await client.get(wire.seat_key(*person))
    occupied: Any = await client.get(wire.occupied_key(*person))
    return wire_form.availability(wire_form.read(seat), occupied)


async def until(reached: Callable[[], Any], wanted: object) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if await reached() == wanted:
                return
            await asyncio.sleep(0.02)


async def test_a_page_is_shown_while_it_is_there_and_its_call_makes_busy(redis_url: str) -> None:
    person, talking, call_id = (new_id(), new_id()), dict[Person, UUID](), new_id()
    async with node(redis_url, talking) as (attendance, client):
        page = FakePage(person)
        attendance.open(page)
        await until(lambda: stands(client, person), Availability.READY)
        assert 0 < await client.ttl(wire.seat_key(*person)) <= wire.SEAT_TTL_S, "a node that dies takes it out"
        talking[person] = call_id
        attendance.changed()
        await until(lambda: stands(client, person), Availability.BUSY)
        assert await client.get(wire.idle_key(*person)) is None
        talking.clear()
        attendance.changed()
        await until(lambda: stands(client, person), Availability.READY)
        assert float(await client.get(wire.idle_key(*person)) or 0) > 1_700_000_000
        attendance.close(page)
        await until(lambda: stands(client, person), Availability.AWAY)


async def test_the_newest_page_of_a_person_has_their_place(redis_url: str) -> None:
    person = new_id(), new_id()
    async with node(redis_url, {}) as (one, client), node(redis_url, {}) as (other, _):
        first, second = FakePage(person), FakePage(person, ready=False)
        one.open(first)
        await until(lambda: stands(client, person), Availability.READY)
        other.open(second)
        await until(lambda: stands(client, person), Availability.NOT_READY)
        async with asyncio.timeout(WAIT_S):
            await first.over.wait()  # told at the next refresh of its own node
        one.close(first)
        one.changed()
        await asyncio.sleep(0.1)
        assert await stands(client, person) is Availability.NOT_READY, "what went was not the one that stands there"
        assert not second.over.is_set()


async def test_one_call_alone_rings_somebody(redis_url: str) -> None:
    person, mine, other = (new_id(), new_id()), new_id(), new_id()
    client = redis.Redis.from_url(redis_url)
    async with contextlib.aclosing(client):
        assert await claim(client, person, mine)
        assert not await claim(client, person, other)
        assert not await claim(client, person, mine)
        pipe = client.pipeline(transaction=False)
        keep(pipe, person, other)
        release(pipe, person, other)
        assert await pipe.execute() == [0, 0], "nobody else's claim is touched"
        pipe = client.pipeline(transaction=False)
        keep(pipe, person, mine)
        release(pipe, person, mine)
        assert await pipe.execute() == [1, 1]
        assert await claim(client, person, other)
