"""What a call needs to have somebody telephoned beside the prospect: the CRM's permit, spent once, and addresses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import redis.asyncio as redis

from events.legs import LegAnswer, LegQuestion
from events.permit import Purpose
from events.plan import CallPlan
from telephony.carrier_port import CallOrder, Carrier
from telephony.permits import use
from telephony.tool_desk import LegDesk

RING_TIMEOUT_S: Final = 30  # a prospect on hold waits no longer for a colleague who does not pick up


@dataclass(frozen=True, slots=True)
class LegLines:
    carrier: Carrier
    desk: LegDesk
    redis: redis.Redis
    permit_key: str
    url: Callable[[str, UUID, UUID], str]  # of a kind of callback, for a call and its leg

    async def ask(self, question: LegQuestion) -> LegAnswer:
        """Raises DeskAway."""
        return await self.desk.ask(question)

    async def order(self, token: str, plan: CallPlan, leg_id: UUID) -> CallOrder:
        """Spend the permit, and return what to ask of the carrier, now and once. Raises PermitRefused."""
        permit = await use(token, self.permit_key, plan, Purpose.CONSULT, self.redis)
        return CallOrder(
            to_number=permit.number,
            from_number=plan.from_number,
            voice_url=self.url("voice", plan.call_id, leg_id),
            status_url=self.url("status", plan.call_id, leg_id),
            amd_url="",  # a colleague's voicemail is heard by who asks
            ring_timeout_s=RING_TIMEOUT_S,
            time_limit_s=permit.funded_s,
        )
