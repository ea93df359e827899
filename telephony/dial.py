"""Places a call, only with a permit (S33, X8). Every refusal is a code that docs/call-path.md explains.

A permit is spent in Redis before the carrier is asked, once across all nodes; do-not-call is asked again at that
moment. Whatever cannot be asked means: no call.
"""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import redis.asyncio as redis

from events import command, wire
from events.permit import Permit
from events.plan import CallPlan
from telephony.admission import Admission, NoRoom
from telephony.call.session import CallSession
from telephony.call_maker import CallMaker, NotPrepared
from telephony.calls import Calls
from telephony.carrier_port import CallOrder
from telephony.permits import PermitRefused, read_permit, spend

CRM_TIMEOUT_S: Final = 2.0


class DialRefused(Exception):
    """No call is placed; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CallbackUrls:
    """Where the carrier finds this node, from the configured public address."""

    public_url: str
    node: str

    def webhook(self, kind: str, call_id: UUID) -> str:
        return f"{self.public_url}/n/{self.node}/twilio/{kind}/{call_id}"

    def transferred(self, call_id: UUID, language: str) -> str:
        return f"{self.webhook('transferred', call_id)}?language={quote(language)}"

    def leg(self, kind: str, call_id: UUID, leg_id: UUID) -> str:
        """Of a further leg of a call."""
        return f"{self.public_url}/n/{self.node}/twilio/calls/{call_id}/legs/{leg_id}/{kind}"

    def leg_stream(self, call_id: UUID, leg_id: UUID) -> str:
        return "ws" + self.leg("stream", call_id, leg_id).removeprefix("http")

    def stream(self, call_id: UUID, node: str = "") -> str:
        """Where a call's audio goes; `node`: the one that holds it, if that is another."""
        url = replace(self, node=node or self.node).webhook("stream", call_id)
        return "ws" + url.removeprefix("http")


@dataclass(frozen=True, slots=True)
class Dialer:
    """The one way to an outgoing call."""

    calls: Calls
    admission: Admission
    maker: CallMaker
    redis: redis.Redis
    crm: httpx.AsyncClient  # with the internal key in its headers
    permit_key: str
    urls: CallbackUrls

    async def dial(self, order: command.Dial) -> CallSession:
        """Check everything, spend the permit and start the call.

        Raises:
            DialRefused: nothing was placed, and nothing will be.
        """
        permit = self._check_permit(order)
        if self.calls.get(permit.call_id) is not None:
            raise DialRefused("permit_spent")
        try:
            # Before the permit is spent: what is refused for want of room can be dialled by another node.
            with self.admission.place():
                return await self._dial(order.plan, permit)
        except NoRoom as error:
            raise DialRefused(error.code) from None

    async def _dial(self, plan: CallPlan, permit: Permit) -> CallSession:
        try:
            prepared = await self.maker.prepare(plan)
        except NotPrepared as error:
            raise DialRefused(error.code) from None
        try:
            await self._spend(permit)
            await self._ask_do_not_call(permit)
        except DialRefused:
            await prepared.aclose()
            raise
        return prepared.start(permit.funded_s, self._order(plan, permit))

    def _check_permit(self, order: command.Dial) -> Permit:
        try:
            permit = read_permit(order.permit, self.permit_key)
        except PermitRefused as error:
            raise DialRefused(error.code) from None
        if (permit.org_id, permit.call_id) != (order.plan.org_id, order.plan.call_id):
            raise DialRefused("permit_refused")
        return permit

    async def _spend(self, permit: Permit) -> None:
        try:
            await spend(permit, self.redis)
        except PermitRefused as error:
            raise DialRefused(error.code) from None

    async def _ask_do_not_call(self, permit: Permit) -> None:
        question = wire.DoNotCallQuestion(permit.org_id, permit.call_id, permit.number)
        try:
            reply = await self.crm.post(
                wire.DO_NOT_CALL_PATH,
                content=msgspec.json.encode(question),
                headers={"content-type": "application/json"},
                timeout=CRM_TIMEOUT_S,
            )
            reply.raise_for_status()
            answer = msgspec.json.decode(reply.content, type=wire.DoNotCallAnswer)
        except (httpx.HTTPError, msgspec.MsgspecError):
            raise DialRefused("crm_away") from None
        if answer.do_not_call:
            raise DialRefused("do_not_call")

    def _order(self, plan: CallPlan, permit: Permit) -> CallOrder:
        return CallOrder(
            to_number=permit.number,
            from_number=plan.from_number,
            voice_url=self.urls.webhook("voice", plan.call_id),
            status_url=self.urls.webhook("status", plan.call_id),
            amd_url=self.urls.webhook("amd", plan.call_id),
            ring_timeout_s=plan.ring_timeout_s,
            # Not what is paid for now: that may become more while the call lasts, and the call itself ends with it.
            time_limit_s=plan.max_duration_s,
        )
