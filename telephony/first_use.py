"""What is good once across all nodes: whoever sets its key in Redis first has used it (X8)."""

import asyncio
from typing import Final

import redis.asyncio as redis
from redis.exceptions import RedisError

REDIS_TIMEOUT_S: Final = 2.0


class RedisAway(Exception):
    """It cannot be asked, so nothing may be done on it."""


async def first_use(store: redis.Redis, key: str, ttl_s: int) -> bool:
    """Use it; False when it was used before. Raises RedisAway.

    `ttl_s`: how long it is remembered, which must be longer than it is good for.
    """
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            return bool(await store.set(key, "used", nx=True, ex=ttl_s))
    except (RedisError, OSError, TimeoutError):
        raise RedisAway from None
