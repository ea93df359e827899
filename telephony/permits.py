"""Permits on the voice side: unsealed, and spent in Redis before the carrier is asked, once across all nodes (X8)."""

import time

import redis.asyncio as redis
import structlog

from events import wire
from events.permit import BadPermit, Permit, Purpose, unseal
from events.plan import CallPlan
from telephony.first_use import RedisAway, first_use

log = structlog.get_logger()


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


async def use(token: str, key: str, plan: CallPlan, purpose: Purpose, store: redis.Redis) -> Permit:
    """Spend a permit for a further leg of that call. Raises PermitRefused."""
    permit = read_permit(token, key)
    if (permit.org_id, permit.call_id, permit.purpose) != (plan.org_id, plan.call_id, purpose):
        raise PermitRefused("permit_refused")
    await spend(permit, store)
    return permit


async def spend(permit: Permit, store: redis.Redis) -> None:
    """Raises PermitRefused: spent before, or it cannot be asked."""
    try:
        fresh = await first_use(store, wire.permit_key(permit.id), wire.PERMIT_TTL_S)
    except RedisAway:
        raise PermitRefused("redis_away") from None
    if not fresh:
        raise PermitRefused("permit_spent")
