"""Takes calls that come in: the carrier asks what to do with one, the CRM decides, and the call lives here.

Every question of the carrier's gets an answer, whatever is away: the call's stream, or a sentence and the end. It asks
again when it had no answer in time; one call is made of it all the same, here by its id, across nodes by the CRM.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import httpx
import msgspec
import structlog

from events.incoming import (
    DEFAULT_LANGUAGE,
    GIVEN_UP_PATH,
    INCOMING_PATH,
    GivenUp,
    IncomingAnswer,
    IncomingQuestion,
    NotTaken,
)
from events.plan import CallPlan
from telephony.admission import Admission, NoRoom
from telephony.call.session import CallSession
from telephony.call.signals import CarrierStatus
from telephony.call_maker import CallMaker, NotPrepared
from telephony.calls import Calls
from telephony.carrier_port import Incoming

log = structlog.get_logger()

# Two tries, and the minds to open, within the 15 s that a carrier waits. Asking again is safe: it is the same call.
CRM_TIMEOUT_S: Final = 4.0
TRIES: Final = 2
STATUSES_MAX: Final = 1_000  # of calls that are being decided; the oldest goes first
JSON: Final = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Ring:
    """A call that comes in, as the carrier tells of it."""

    carrier_call_id: str
    to_number: str
    from_number: str


@dataclass(frozen=True, slots=True)
class Taken:
    call_id: UUID
    node: str  # that holds it


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str  # NotTaken
    language: str = DEFAULT_LANGUAGE


class _CrmAway(Exception):
    """The CRM has not answered, or nothing that can be read."""


class Reception:
    """One node's. `take` may be called for many calls at once."""

    def __init__(
        self,
        node: str,
        carrier: str,
        calls: Calls,
        admission: Admission,
        maker: CallMaker,
        crm: httpx.AsyncClient,
    ) -> None:
        """`crm`: with the internal key in its headers."""
        self._node = node
        self._carrier = carrier
        self._calls = calls
        self._admission = admission
        self._maker = maker
        self._crm = crm
        self._deciding: dict[str, asyncio.Future[Taken | Declined]] = {}
        self._said: dict[str, str] = {}  # the carrier's word on calls that are being decided

    async def take(self, ring: Ring) -> Taken | Declined:
        """Return where the call's stream goes, or why there is none."""
        if not ring.carrier_call_id:
            return Declined(NotTaken.NUMBER_UNKNOWN)
        under_way = self._deciding.get(ring.carrier_call_id)
        if under_way is not None:
            return await asyncio.shield(under_way)
        decided: asyncio.Future[Taken | Declined] = asyncio.get_running_loop().create_future()
        self._deciding[ring.carrier_call_id] = decided
        answer: Taken | Declined = Declined(NotTaken.CRM_AWAY)
        try:
            answer = await self._decide(ring)
        finally:
            del self._deciding[ring.carrier_call_id]
            self._said.pop(ring.carrier_call_id, None)
            decided.set_result(answer)
        if isinstance(answer, Declined):
            log.info("incoming.declined", reason=answer.reason)
        return answer

    def status(self, carrier_call_id: str, status: str) -> None:
        """Take the carrier's word on a call; it may come before it is decided what becomes of the call."""
        session = self._holding(carrier_call_id)
        if session is not None:
            session.put(CarrierStatus(status, carrier_call_id))
        elif carrier_call_id in self._deciding and len(self._said) < STATUSES_MAX:
            self._said[carrier_call_id] = status

    def _holding(self, carrier_call_id: str) -> CallSession | None:
        for session in self._calls.live():
            inbound = session.plan.inbound
            if inbound is not None and inbound.carrier_call_id == carrier_call_id:
                return session
        return None

    async def _decide(self, ring: Ring) -> Taken | Declined:
        held = self._holding(ring.carrier_call_id)
        if held is not None:
            return Taken(held.call_id, self._node)
        try:
            with self._admission.place():
                return await self._ask_and_start(ring)
        except NoRoom:
            return Declined(NotTaken.NO_ROOM)

    async def _ask_and_start(self, ring: Ring) -> Taken | Declined:
        try:
            answer = await self._ask(ring)
        except _CrmAway as error:
            log.warning("incoming.crm_away", reason=str(error))
            return Declined(NotTaken.CRM_AWAY)
        if answer.plan is None:
            if answer.call_id is not None and answer.node != self._node:
                return Taken(answer.call_id, answer.node)
            # A call of this node that it does not hold any more: the process has been started anew since.
            return Declined(answer.refused or NotTaken.CALL_OVER, answer.language)
        try:
            prepared = await self._maker.prepare(answer.plan)
        except NotPrepared as error:
            await self._give_up(answer.plan, error.code)
            return Declined(NotTaken.SPEECH_AWAY, answer.language)
        session = prepared.start(answer.funded_s, Incoming(ring.carrier_call_id))
        said = self._said.get(ring.carrier_call_id)
        if said is not None:
            session.put(CarrierStatus(said, ring.carrier_call_id))
        return Taken(session.call_id, self._node)

    async def _ask(self, ring: Ring) -> IncomingAnswer:
        """Raises _CrmAway."""
        question = IncomingQuestion(self._node, self._carrier, ring.carrier_call_id, ring.to_number, ring.from_number)
        content = msgspec.json.encode(question)
        fault = ""
        for _ in range(TRIES):
            try:
                reply = await self._crm.post(INCOMING_PATH, content=content, headers=JSON, timeout=CRM_TIMEOUT_S)
            except httpx.HTTPError as error:
                fault = type(error).__name__
                continue
            if reply.is_success:
                try:
                    return msgspec.json.decode(reply.content, type=IncomingAnswer)
                except msgspec.MsgspecError:
                    raise _CrmAway("garbage") from None
            fault = f"status {reply.status_code}"
            if reply.is_client_error:
                break
        raise _CrmAway(fault)

    async def _give_up(self, plan: CallPlan, reason: str) -> None:
        """Tell the CRM at once; a word that is lost is made good by its sweep."""
        content = msgspec.json.encode(GivenUp(plan.org_id, plan.call_id, reason))
        try:
            reply = await self._crm.post(GIVEN_UP_PATH, content=content, headers=JSON, timeout=CRM_TIMEOUT_S)
            reply.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("incoming.not_given_up", call_id=str(plan.call_id), reason=type(error).__name__)
