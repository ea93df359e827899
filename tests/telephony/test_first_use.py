"""Whoever is first has used it, and where that cannot be asked nobody has."""

import asyncio

import pytest
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from events.ids import new_id
from telephony.first_use import RedisAway, first_use
from tests.telephony.stage import free_port


async def test_one_of_many_is_the_first(redis_url: str) -> None:
    store = redis.Redis.from_url(redis_url)
    key = f"test:{new_id()}"
    async with asyncio.TaskGroup() as tasks:
        uses = [tasks.create_task(first_use(store, key, 60)) for _ in range(10)]
    assert sum(use.result() for use in uses) == 1
    assert 0 < await store.ttl(key) <= 60
    await store.aclose()


async def test_without_redis_nobody_is() -> None:
    store = redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
    with pytest.raises(RedisAway):
        await first_use(store, "test:away", 60)
    await store.aclose()
