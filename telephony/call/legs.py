"""Whom people in a call have telephoned beside the prospect: asked of the CRM, dialled on its permit, told as events.

Every act, and every answer to what was asked, is a signal on the call's queue: nothing here waits. What asks the CRM
or the carrier runs in the call's group and puts its answer there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog

from agent.conversation import Conversation
from agent.person_ear import PersonEars
from agent.tools.port import DeskAway
from events import call as events
from events.ids import new_id
from events.leg_events import LegEnded, LegPlaced
from events.legs import NUMBER_CHARS_MAX, LegAnswer, LegQuestion
from events.permit import Purpose
from events.plan import CallPlan
from media.conference import PARTIES_MAX
from media.room import Room
from telephony.call import signals as sig
from telephony.call.consult_leg import ConsultLeg
from telephony.call.consulting import Consulting
from telephony.call.leg_acts import Arranging, Consult, Dialling, LegAct, Transfer, sentence
from telephony.call.people import CallPeople
from telephony.call.person_acts import Done, PersonActs, PersonMissed, Refused
from telephony.call.services import Services
from telephony.call.tools import CallTools
from telephony.leg_lines import LegLines
from telephony.permits import PermitRefused
from telephony.transfer import NotPutThrough

log = structlog.get_logger()

FINISH_TIMEOUT_S: Final = 15.0  # a dial under way, and its hang-up: each longer than a carrier request may take


@dataclass(slots=True)
class _Asked:
    """What the CRM is being asked, or the carrier."""

    leg: UUID
    asked: PersonActs
    purpose: Purpose
    placed: bool = False  # permitted, and the carrier has been asked


@dataclass(frozen=True, slots=True)
class LegsPlace:
    """What of a call its further legs meet."""

    room: Room
    conversation: Conversation
    ears: PersonEars
    people: CallPeople
    tools: CallTools
    emit: Callable[[events.Body], None]
    put: Callable[[sig.CallSignal], None]
    now_s: Callable[[], float]
    wall: Callable[[], datetime]


class LegsCall(Protocol):
    """A call, as far as its further legs ask it."""

    plan: CallPlan
    room: Room
    conversation: Conversation
    people: CallPeople

    @property
    def emit(self) -> Callable[[events.Body], None]: ...

    @property
    def put(self) -> Callable[[sig.CallSignal], None]: ...


class CallLegs:
    """One call's. `take` is the call's task's to call."""

    def __init__(self, plan: CallPlan, place: LegsPlace, lines: LegLines | None) -> None:
        self._plan = plan
        self._place = place
        self._lines = lines
        self._tasks: asyncio.TaskGroup | None = None  # none while the line is not open
        self._asked: _Asked | None = None  # one thing at a time
        self._consulting: Consulting | None = None
        self._legs: dict[UUID, ConsultLeg] = {}  # those of which the carrier may still say something
        self._living: set[asyncio.Task[None]] = set()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """The line is open: what is asked for runs in the call's group."""
        self._tasks = tasks

    def get(self, leg_id: UUID) -> ConsultLeg | None:
        """Return a leg that is dialled, or talked on, or is being hung up."""
        return self._legs.get(leg_id)

    def take(
        self,
        signal: PersonActs | PersonMissed | sig.QueueTold | sig.OfLeg,
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
                refused = self._place.people.refusal(signal.person, act, connected=connected)
                if refused is not None:
                    signal.answer(refused)
                elif isinstance(act, Dialling):
                    self._ask(signal, act, carrier_call_id)
                else:
                    self._arrange(signal, act)
            case PersonActs() | PersonMissed() | sig.QueueTold():
                self._place.people.take(signal, connected=connected)
            case sig.OfLeg():
                self._take_of_leg(signal, carrier_call_id, connected=connected)
        self._check()

    def close(self) -> None:
        """The call is over: nobody is left ringing, or paid for."""
        asked, self._asked = self._asked, None
        if asked is not None and not asked.placed:
            asked.asked.answer(_refused("call_changed"))
        elif asked is not None and not self._place.tools.handed_over:
            self._place.emit(LegEnded(asked.leg, "call_over"))
        if self._consulting is not None:
            self._consulting.leg.end("call_over")
            self._check()

    async def finish(self) -> None:
        """Let the carrier hear of it; what it has not answered by then, its own limits end."""
        if self._living:
            await asyncio.wait(self._living, timeout=FINISH_TIMEOUT_S)

    async def drop(self) -> None:
        """Hang up what a call that died has left."""
        self.close()
        for leg in self._legs.values():
            await leg.hang_up()

    def _check(self) -> None:
        if self._consulting is not None and not self._consulting.check():
            self._consulting = None

    # Somebody is to be telephoned

    def _ask(self, asked: PersonActs, act: Dialling, carrier_call_id: str) -> None:
        code = self._in_the_way(act, carrier_call_id)
        if code:
            asked.answer(_refused(code))
            return
        assert self._tasks is not None, "the prospect is on the line"
        purpose = Purpose.TRANSFER if isinstance(act, Transfer) else Purpose.CONSULT
        plan, self._asked = self._plan, _Asked(new_id(), asked, purpose)
        question = LegQuestion(plan.org_id, plan.call_id, self._asked.leg, asked.person.user_id, act.number, purpose)
        self._tasks.create_task(self._ask_crm(question), name="call.leg_permit")

    def _in_the_way(self, act: Dialling, carrier_call_id: str) -> str:
        if self._lines is None:
            return "not_here"
        if self._asked is not None:
            return "being_put_through" if self._asked.purpose is Purpose.TRANSFER else "being_asked"
        if self._consulting is not None:
            return "being_asked"
        if not 0 < len(act.number.strip()) <= NUMBER_CHARS_MAX:
            return "bad_number"
        if not carrier_call_id:
            return "carrier_unknown"
        if isinstance(act, Consult) and len(self._place.room.others.parties) >= PARTIES_MAX:
            return "full"
        return ""

    async def _ask_crm(self, question: LegQuestion) -> None:
        assert self._lines is not None
        try:
            answer = await self._lines.ask(question)
        except DeskAway as error:
            log.warning("leg.desk_away", reason=error.reason)
            answer = LegAnswer(refused="crm_away")
        self._place.put(sig.OfLeg(question.leg_id, sig.Decided(answer)))

    def _take_of_leg(self, signal: sig.OfLeg, carrier_call_id: str, *, connected: bool) -> None:
        asked, told = self._asked, signal.told
        if asked is not None and asked.leg == signal.leg:
            if isinstance(told, sig.Decided):
                self._decided(asked, told.answer, carrier_call_id, connected=connected)
            elif isinstance(told, sig.Refused):
                self._asked = None
                self._place.emit(LegEnded(signal.leg, told.code))
        elif self._consulting is not None and self._consulting.leg.id == signal.leg:
            self._consulting.take(told)
        elif signal.leg in self._legs:
            self._legs[signal.leg].take(told)

    def _decided(self, asked: _Asked, answer: LegAnswer, carrier_call_id: str, *, connected: bool) -> None:
        person, place, refused = asked.asked.person, self._place, None
        if not answer.permit:
            refused = _refused(answer.refused)
        elif place.people.refusal(person, asked.asked.act, connected=connected) is not None:
            refused = _refused("call_changed")
        if refused is not None:
            self._asked = None
            asked.asked.answer(refused)
            return
        assert self._tasks is not None
        place.emit(LegPlaced(asked.leg, asked.purpose, answer.number, person.id, person.name, person.user_id))
        if asked.purpose is Purpose.TRANSFER:
            asked.placed = True
            handing = self._hand_over(asked.leg, answer.permit, carrier_call_id)
            self._tasks.create_task(handing, name="call.transfer")
        else:
            self._asked = None
            leg = ConsultLeg(asked.leg, answer.number, place.emit, place.put, place.now_s)
            self._consulting = Consulting(
                leg,
                person,
                place.people,
                place.room,
                place.conversation,
                place.ears,
                self._tasks,
                place.emit,
                place.put,
            )
            self._legs[leg.id] = leg
            living = self._tasks.create_task(self._live(leg, answer.permit), name="call.leg")
            self._living.add(living)
            living.add_done_callback(self._living.discard)
        asked.asked.answer(Done(place.people.standing.word))

    async def _hand_over(self, leg: UUID, permit: str, carrier_call_id: str) -> None:
        try:
            await self._place.tools.hand_to(permit, carrier_call_id)
        except NotPutThrough as error:
            log.warning("transfer.failed", reason=error.reason)
            self._place.put(sig.OfLeg(leg, sig.Refused(error.reason)))
        else:
            self._place.put(sig.HandedOver())

    async def _live(self, leg: ConsultLeg, permit: str) -> None:
        """Dial a leg and hold it to its end."""
        assert self._lines is not None
        try:
            order = await self._lines.order(permit, self._plan, leg.id)
        except PermitRefused as error:
            log.warning("leg.no_permit", reason=error.code)
            leg.put(sig.Refused(error.code))
        else:
            await leg.live(self._lines.carrier, order, self._place.wall)
        del self._legs[leg.id]

    # Who talks with whom

    def _arrange(self, asked: PersonActs, act: Arranging) -> None:
        if self._consulting is None:
            asked.answer(_refused("no_leg"))
            return
        code = self._consulting.arrange(act)
        asked.answer(_refused(code) if code else Done(self._place.people.standing.word))


def legs_of(call: LegsCall, services: Services, ears: PersonEars, tools: CallTools) -> CallLegs:
    """Return a call's, which has none yet."""
    now_s = asyncio.get_running_loop().time
    place = LegsPlace(call.room, call.conversation, ears, call.people, tools, call.emit, call.put, now_s, services.wall)
    return CallLegs(call.plan, place, services.legs)


def _refused(code: str) -> Refused:
    return Refused(code, sentence(code))
