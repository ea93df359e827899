"""Permits on the voice side: unsealed, and spent in Redis before the carrier is asked, once across all nodes (X8)."""

import asyncio
import time
from typing import Final

import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import wire
from events.permit import BadPermit, Permit, unseal

log = structlog.get_logger()

REDIS_TIMEOUT_S: Final = 2.0


class PermitRefused(Exception):
    """Nobody may be dialled on it; `code` says why, as docs/call-path.md explains."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_permit(token: str, key: str) -> Permit:
    """Raises PermitRefused."""
    try:
        return unseal(token, key, time.time())
    except BadPermit as error:
        log.warning("permit.refused", reason=str(error))
        raise PermitRefused("permit_refused") from None


async def spend(permit: Permit, store: redis.Redis) -> None:
    """Raises PermitRefused: spent before, or it cannot be asked."""
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            fresh = await store.set(wire.permit_key(permit.id), "spent", nx=True, ex=wire.PERMIT_TTL_S)
    except (RedisError, OSError, TimeoutError):
        raise PermitRefused("redis_away") from None
    if not fresh:
        raise PermitRefused("permit_spent")
