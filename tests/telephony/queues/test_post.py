"""Letters across nodes, over a real Redis: in order, none of an earlier process, and what has no room is counted."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import redis.asyncio as redis

from events import wire
from events.ids import new_id
from telephony.queues.offers import Letter, Withdrawn
from telephony.queues.post import WAITING_MAX, Post


def letter(number: int) -> Withdrawn:
    return Withdrawn(new_id(), new_id(), new_id(), new_id(), number, "taken")


@contextlib.asynccontextmanager
async def node(name: str, url: str, got: list[Letter]) -> AsyncGenerator[Post]:
    client = redis.Redis.from_url(url)
    try:
        async with asyncio.TaskGroup() as tasks:
            made = Post(name, client, got.append)
            running = tasks.create_task(made.run())
            yield made
            running.cancel()
    finally:
        await client.aclose()


async def until(got: list[Letter], count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            if len(got) >= count:
                return
            await asyncio.sleep(0.02)


async def test_letters_come_in_order_and_none_that_was_sent_before(redis_url: str) -> None:
    one, other = f"n-{new_id()}", f"n-{new_id()}"
    letters, got, ours = [letter(number) for number in range(5)], list[Letter](), list[Letter]()
    client = redis.Redis.from_url(redis_url)
    async with contextlib.aclosing(client):
        # Of a process of that name that is gone.
        await client.xadd(wire.seats_stream(other), {wire.SEATS_FIELD: b"old"})
        async with node(one, redis_url, ours) as sender, node(other, redis_url, got):
            await asyncio.sleep(0.2)  # it has found the stream's end
            await client.xadd(wire.seats_stream(other), {wire.SEATS_FIELD: b"\xc1"})  # skipped, and said
            for one_letter in letters:
                sender.send(other, one_letter)
            sender.send(one, letters[0])  # within a node they go the same way
            await until(got, 5)
            await until(ours, 1)
        assert (got, ours) == (letters, letters[:1])
        assert 0 < await client.ttl(wire.seats_stream(other)) <= wire.SEATS_TTL_S


async def test_with_redis_away_the_oldest_letters_are_lost_and_counted() -> None:
    client = redis.Redis.from_url("redis://127.0.0.1:1")
    async with contextlib.aclosing(client):
        post = Post("n1", client, lambda _: None)
        for number in range(WAITING_MAX + 3):
            post.send("n2", letter(number))
        assert post.lost == 3
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(post.run())
            async with asyncio.timeout(20):
                while True:
                    if post.lost == WAITING_MAX + 3:
                        break
                    await asyncio.sleep(0.02)
            running.cancel()
