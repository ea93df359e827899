"""Putting a prospect through to a person: the carrier dials them, on a permit of the CRM's, and our stream ends.

Whoever is dialled and does not pick up leaves the prospect with an apology, by the carrier's voice: the call is not
ours any more (`telephony.twilio.webhooks`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import redis.asyncio as redis
import structlog

from events.permit import Purpose
from events.plan import CallPlan
from telephony.carrier_port import Carrier, CarrierInDoubt, CarrierRefused, Transfer
from telephony.permits import PermitRefused, use

log = structlog.get_logger()

RING_TIMEOUT_S: Final = 25  # a prospect who listens to it does not wait longer


class NotPutThrough(Exception):
    """The prospect is still with us; `reason` is a code for the call's record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Transfers:
    carrier: Carrier
    redis: redis.Redis
    permit_key: str
    done_url: Callable[[UUID, str], str]  # where the carrier tells what became of it, for a call in a language

    async def put_through(self, token: str, plan: CallPlan, carrier_call_id: str) -> None:
        """Have the carrier connect the prospect with whom the permit names.

        Raises:
            NotPutThrough: the permit does not hold, or the carrier did not take it.
        """
        try:
            permit = await use(token, self.permit_key, plan, Purpose.TRANSFER, self.redis)
        except PermitRefused as error:
            raise NotPutThrough(error.code) from None
        transfer = Transfer(
            to_number=permit.number,
            from_number=plan.from_number,
            ring_timeout_s=RING_TIMEOUT_S,
            time_limit_s=permit.funded_s,
            done_url=self.done_url(plan.call_id, plan.agent.language),
        )
        try:
            await self.carrier.put_through(carrier_call_id, transfer)
        except CarrierRefused as error:
            raise NotPutThrough(f"carrier_{error.code}") from None
        except CarrierInDoubt as error:
            # It may have been done: hanging up would cut them off, and the carrier's own limit ends the call.
            log.warning("transfer.in_doubt", reason=str(error))
