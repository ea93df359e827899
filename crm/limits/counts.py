"""Counting requests: in Redis for all processes together, in this process's memory while Redis is away (S4)."""

import asyncio
from collections import OrderedDict
from typing import Final, cast

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from crm.bus import REDIS_AWAY

# A request waits no longer than this for its count: a request is worth more than its limit.
ANSWER_TIMEOUT_S: Final = 0.25
# Redis that was away is asked again after so long.
AWAY_S: Final = 2.0
# In memory: of so many, those that were counted longest ago are forgotten.
KEYS_MAX: Final = 100_000
# Redis keys of ours are told from others by this.
PREFIX: Final = "limit"

log = structlog.get_logger()


class MemoryCounts:
    """Counts of one process, of the KEYS_MAX that were counted last."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def add(self, key: str) -> int:
        """Count one more and return the count. A window's key names its time, so none is counted in two of them."""
        count = self._counts.pop(key, 0) + 1
        self._counts[key] = count
        if len(self._counts) > KEYS_MAX:
            self._counts.popitem(last=False)
        return count


class Counts:
    """Never fails: without Redis each process counts for itself, from nought, until Redis is back."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=ANSWER_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            # Of a connection that Redis closed while it lay in the pool.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            protocol=2,
        )
        # Declared as text or number, and handed on to the client as it is.
        pool = cast(str, self._redis.connection_pool)
        self._storage = RedisStorage(url, implementation="redispy", key_prefix=PREFIX, connection_pool=pool)
        self._memory = MemoryCounts()
        self._away_until = 0.0  # the loop's time
        self._away = False

    async def add(self, key: str, length_s: int) -> int:
        """Count one more under a key that is kept for `length_s`, and return the count."""
        if asyncio.get_running_loop().time() < self._away_until:
            return self._memory.add(key)
        try:
            async with asyncio.timeout(2 * ANSWER_TIMEOUT_S):
                count = await self._storage.incr(key, length_s)
        except REDIS_AWAY as error:
            if not self._away:
                log.warning("limits.redis_away", error=type(error).__name__)
            self._away, self._away_until = True, asyncio.get_running_loop().time() + AWAY_S
            return self._memory.add(key)
        if self._away:
            log.info("limits.redis_back")
        self._away = False
        return count

    async def aclose(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()
