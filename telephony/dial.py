"""Places a call, only with a permit (S33, X8). Every refusal is a code that docs/call-path.md explains.

A permit is spent in Redis before the carrier is asked, once across all nodes; do-not-call is asked again at that
moment. Whatever cannot be asked means: no call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec
import redis.asyncio as redis
import structlog

from agent import report
from agent.llm.port import Failure
from agent.llm.usage import ModelCall
from agent.minds import BadPlan, MindMaker, MindsUnavailable
from agent.ports import Minds
from agent.stt.port import OnPartial, OnTurn
from events import command, wire
from events.call import KeyRefused
from events.permit import Permit
from events.plan import CallPlan
from telephony.admission import Admission, NoRoom
from telephony.call.services import Services
from telephony.call.session import CallSession
from telephony.calls import Calls
from telephony.carrier_port import CallOrder
from telephony.permits import PermitRefused, read_permit, spend

log = structlog.get_logger()

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

    def stream(self, call_id: UUID) -> str:
        return "ws" + self.webhook("stream", call_id).removeprefix("http")


@dataclass(frozen=True, slots=True)
class Dialer:
    """The one way to an outgoing call."""

    calls: Calls
    admission: Admission
    services: Services
    minds: MindMaker
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
        slot: list[CallSession] = []
        refused: list[str] = []  # vendors, each told of once

        def on_key_failed(vendor: str, failure: Failure) -> None:
            if failure is Failure.REFUSED_KEY and vendor not in refused:
                refused.append(vendor)
                if slot:
                    slot[0].emit(KeyRefused(vendor))

        minds = await self._open_minds(
            plan,
            lambda text: slot[0].conversation.ears.on_partial(text) if slot else None,
            lambda call: slot[0].emit(report.model_used(call)) if slot else None,
            lambda sign: slot[0].conversation.ears.on_turn_sign(sign) if slot else None,
            on_key_failed,
        )
        try:
            await self._spend(permit)
            await self._ask_do_not_call(permit)
        except DialRefused:
            await minds.aclose()
            raise
        session = CallSession(plan, permit, self._order(plan, permit), minds, self.services)
        slot.append(session)
        session.place()
        for vendor in refused:  # while it was opened
            session.emit(KeyRefused(vendor))
        self.calls.start(session)
        return session

    def _check_permit(self, order: command.Dial) -> Permit:
        try:
            permit = read_permit(order.permit, self.permit_key)
        except PermitRefused as error:
            raise DialRefused(error.code) from None
        if (permit.org_id, permit.call_id) != (order.plan.org_id, order.plan.call_id):
            raise DialRefused("permit_refused")
        return permit

    async def _open_minds(
        self,
        plan: CallPlan,
        on_partial: OnPartial,
        on_model: Callable[[ModelCall], None],
        on_turn: OnTurn,
        on_key_failed: Callable[[str, Failure], None],
    ) -> Minds:
        try:
            return await self.minds.make(plan, on_partial, on_model, on_turn, on_key_failed)
        except BadPlan as error:
            log.error("dial.bad_plan", reason=str(error))
            raise DialRefused("bad_plan") from None
        except MindsUnavailable as error:
            log.error("dial.minds_away", code=error.code, reason=str(error))
            raise DialRefused(error.code) from None

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
