"""Whom people in a call have telephoned beside the prospect: asked of the CRM, dialled on its permit, told as events.

Every act, and every answer to what was asked, is a signal on the call's queue: nothing here waits. What asks the CRM
or the carrier runs in the call's group and puts its answer there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from agent.tools.port import DeskAway
from events import call as events
from events.ids import new_id
from events.legs import NUMBER_CHARS_MAX, LegAnswer, LegQuestion
from events.permit import Purpose
from events.plan import CallPlan
from telephony.call import signals as sig
from telephony.call.leg_acts import LegAct, sentence
from telephony.call.people import CallPeople
from telephony.call.person_acts import Done, PersonActs, PersonMissed, Refused
from telephony.call.tools import CallTools
from telephony.tool_desk import LegDesk
from telephony.transfer import NotPutThrough

log = structlog.get_logger()


@dataclass(slots=True)
class _Asked:
    """What the CRM is being asked, or the carrier."""

    leg: UUID
    asked: PersonActs
    placed: bool = False  # permitted, and the carrier has been asked


class CallLegs:
    """One call's. `take` is the call's task's to call."""

    def __init__(
        self,
        plan: CallPlan,
        people: CallPeople,
        tools: CallTools,
        desk: LegDesk | None,
        emit: Callable[[events.Body], None],
        put: Callable[[sig.CallSignal], None],
    ) -> None:
        self._plan = plan
        self._people = people
        self._tools = tools
        self._desk = desk
        self._emit = emit
        self._put = put
        self._tasks: asyncio.TaskGroup | None = None  # none while the line is not open
        self._now: _Asked | None = None  # one thing at a time

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """The line is open: what is asked for runs in the call's group."""
        self._tasks = tasks

    def take(
        self,
        signal: PersonActs | PersonMissed | sig.QueueTold | sig.LegDecided | sig.LegFailed,
        carrier_call_id: str,
        *,
        connected: bool,
    ) -> None:
        """Do what somebody asks for, or take what the CRM or the carrier says; acts of other kinds are people's.

        Who asks is answered when the CRM has decided, or at once with why not. `connected`: the prospect is on the
        line, which `carrier_call_id` names.
        """
        match signal:
            case PersonActs(act=act) if isinstance(act, LegAct):
                self._begin(signal, act, carrier_call_id, connected=connected)
            case PersonActs() | PersonMissed() | sig.QueueTold():
                self._people.take(signal, connected=connected)
            case sig.LegDecided() if self._now is not None and self._now.leg == signal.leg:
                self._decided(self._now, signal.answer, carrier_call_id, connected=connected)
            case sig.LegFailed() if self._now is not None and self._now.leg == signal.leg:
                self._now = None
                self._emit(events.LegEnded(signal.leg, signal.reason))
            case _:
                pass

    def _begin(self, asked: PersonActs, act: LegAct, carrier_call_id: str, *, connected: bool) -> None:
        refused = self._people.refusal(asked.person, act, connected=connected) or self._in_the_way(act)
        if refused is None and not carrier_call_id:
            refused = _refused("carrier_unknown")
        if refused is not None:
            asked.answer(refused)
            return
        assert self._tasks is not None, "the prospect is on the line"
        plan, self._now = self._plan, _Asked(new_id(), asked)
        question = LegQuestion(
            plan.org_id, plan.call_id, self._now.leg, asked.person.user_id, act.number, Purpose.TRANSFER
        )
        self._tasks.create_task(self._ask(question), name="call.leg_permit")

    def _decided(self, now: _Asked, answer: LegAnswer, carrier_call_id: str, *, connected: bool) -> None:
        person, refused = now.asked.person, None
        if not answer.permit:
            refused = _refused(answer.refused)
        elif self._people.refusal(person, now.asked.act, connected=connected) is not None:
            refused = _refused("call_changed")
        if refused is not None:
            self._now = None
            now.asked.answer(refused)
            return
        assert self._tasks is not None
        now.placed = True
        self._emit(events.LegPlaced(now.leg, Purpose.TRANSFER, answer.number, person.id, person.name, person.user_id))
        now.asked.answer(Done(self._people.standing.word))
        handing = self._hand_over(now.leg, answer.permit, carrier_call_id)
        self._tasks.create_task(handing, name="call.transfer")

    def close(self) -> None:
        """The call is over."""
        now, self._now = self._now, None
        if now is None:
            return
        if not now.placed:
            now.asked.answer(_refused("call_changed"))
        elif not self._tools.handed_over:
            self._emit(events.LegEnded(now.leg, "call_over"))

    def _in_the_way(self, act: LegAct) -> Refused | None:
        if self._desk is None:
            return _refused("not_here")
        if self._now is not None:
            return _refused("being_put_through")
        if not 0 < len(act.number.strip()) <= NUMBER_CHARS_MAX:
            return _refused("bad_number")
        return None

    async def _ask(self, question: LegQuestion) -> None:
        assert self._desk is not None
        try:
            answer = await self._desk.ask(question)
        except DeskAway as error:
            log.warning("leg.desk_away", reason=error.reason)
            answer = LegAnswer(refused="crm_away")
        self._put(sig.LegDecided(question.leg_id, answer))

    async def _hand_over(self, leg: UUID, permit: str, carrier_call_id: str) -> None:
        try:
            await self._tools.hand_to(permit, carrier_call_id)
        except NotPutThrough as error:
            log.warning("transfer.failed", reason=error.reason)
            self._put(sig.LegFailed(leg, error.reason))
        else:
            self._put(sig.HandedOver())


def _refused(code: str) -> Refused:
    return Refused(code, sentence(code))
