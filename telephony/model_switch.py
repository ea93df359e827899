"""The operator's switch for all language models (S140), as Redis has it; a script is none and goes on."""

import asyncio
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from events.wire import MODELS_OFF

log = structlog.get_logger()

POLL_S: Final = 1.0
TIMEOUT_S: Final = 2.0


class ModelSwitch:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.off = False  # as last known: while Redis is away it stays

    async def run(self) -> None:
        """Watch the switch until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                off = bool(await self._redis.exists(MODELS_OFF))
        except (RedisError, OSError, TimeoutError):
            return  # whoever else needs Redis says that it is away
        if off != self.off:
            log.warning("models.switched", off=off)
        self.off = off
