"""A caller who waits for people: what they hear meanwhile, who is rung for them, and how the waiting ends.

All of it is called by the call's one task: answers of people, what Redis says and what a timer was set for come as
signals on the call's queue. Whom to ring is offering.py's to say, and asking Redis ringing.py's.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from agent import account
from agent.conversation import Conversation
from agent.signals import Announce
from agent.stock_phrases import StockPhrases
from events import call as events
from events.plan import CallPlan
from events.queue import QueueEntered, QueueLeft, QueuePlan, RepRung, RingOver, Then
from events.ticket import Seat
from media.room import Room
from telephony.call.people import CallPeople
from telephony.call.person_acts import Person, Standing, seat_id
from telephony.call.signals import CallSignal, HangUpAsked
from telephony.call.timers import Timers
from telephony.call.voicemail import take_message
from telephony.queues.hall import Hall
from telephony.queues.news import Claimed, Due, Looked, QueueNews, QueueTimer, QueueTold, RepAnswered
from telephony.queues.offering import Connect, GiveUp, Offering, Phase, Ring, SeatSeen, Step, Stop, Why
from telephony.queues.ringing import Ringing

log = structlog.get_logger()

SAYING_S: Final = 20.0  # an announcement of which nothing is heard by then is left at that
AFTER_SAYING_S: Final = 0.3  # the carrier's own lead
NOBODY_CAME: Final = "nobody_came"


class WaitingCaller:
    """One call's. Implements `telephony.call.people.Queue`."""

    def __init__(
        self,
        call: "QueueingCall",
        queue: QueuePlan,
        hall: Hall | None,
        phrases: StockPhrases,
        timers: Timers,
        now_s: Callable[[], float],
    ) -> None:
        """`hall` None: nobody can be rung here."""
        self.missed = False  # nobody has taken the caller
        self._plan = call.plan
        self._queue = queue
        self._hall = hall
        self._people = call.people
        self._conversation = call.conversation
        self._room = call.room
        self._emit = call.emit
        self._put = call.put
        self._phrases = phrases
        self._timers = timers
        self._now_s = now_s
        self._offering: Offering | None = None  # none while the line is not open
        self._ringing: Ringing | None = None
        self._winner: SeatSeen | None = None
        self._position = 1
        self._announcements = 0
        self._parting = False  # the goodbye is being said
        self._over = False
        self._ours = False  # how things stand is being changed by the queue itself

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """The line is open."""
        self._offering = Offering(self._queue, self._now_s())
        self._emit(QueueEntered(self._queue.id, self._queue.name))
        self._stand(self._people.wait)
        if self._hall is None or not self._queue.members:
            log.warning("queue.nobody_to_ring", queue=self._queue.name, members=len(self._queue.members))
            self._give_up()
            return
        self._ringing = Ringing(self._plan, self._queue, self._hall, self._put, time.time)
        tasks.create_task(self._ringing.run(), name="call.queue")
        self._announce(self._queue.greeting or self._phrases.one_moment)

    def take(self, news: QueueNews) -> None:
        offering = self._offering
        if offering is None:
            return
        now_s = self._now_s()
        match news:
            case Looked(seats=seats, first=first, position=position) if seats is not None:
                self._position = position
                self._carry_out(offering.looked(seats, first=first, now_s=now_s))
            case Looked():
                self._carry_out(offering.tick(now_s))
            case Claimed(user_id=user_id, ours=ours):
                self._carry_out(offering.claimed(user_id, ours=ours, now_s=now_s))
            case RepAnswered(letter=letter) if letter.accepts:
                self._accepted(news)
            case RepAnswered(letter=letter):
                self._carry_out(offering.declined(letter.user_id, letter.number, now_s))
            case QueueTimer(number=number) if number != self._announcements:
                pass  # of an announcement that another one has followed
            case QueueTimer(due=Due.SAID):
                self._said()
            case QueueTimer(due=Due.PATIENCE):
                if self._waits:
                    self._announce(self._queue.patience or self._phrases.one_moment)

    # As the call tells it

    def stood(self, standing: Standing) -> None:
        """It stands so with the call now, by somebody's act."""
        if self._ours or self._over or self._offering is None:
            return
        if self._winner is not None and standing.holder == seat_id(Seat.REP, self._winner.user_id):
            if not standing.away:
                self._leave("answered", Why.TAKEN)
        elif standing.holder or not standing.agent_aside:
            self._leave("taken_over" if standing.holder else "agent", Why.NOT_QUEUED)

    def absent(self, person: Person) -> bool:
        """Whoever had taken the caller is not there: True when the caller goes on waiting for others."""
        if self._over or self._offering is None or self._winner is None:
            return False
        self._winner = None
        self._stand(self._people.wait)
        self._room.others.hold(True)
        self._carry_out(self._offering.came_not(self._now_s()))
        return True

    def caller_gone(self) -> None:
        """The caller has hung up, or the call ends for another reason."""
        if self._offering is not None and not self._over:
            self.missed = True
            self._leave("abandoned", Why.CALLER_GONE)

    # What follows

    @property
    def _waits(self) -> bool:
        return not self._over and self._offering is not None and self._offering.phase is Phase.WAITING

    def _carry_out(self, steps: list[Step]) -> None:
        assert self._offering is not None
        for step in steps:
            match step:
                case Ring(seat=seat, number=number):
                    self._emit(RepRung(seat.user_id, seat.name, number))
                case Stop(seat=seat, number=number, why=why):
                    self._emit(RingOver(seat.user_id, seat.name, number, why.value))
                case Connect(seat=seat, number=number):
                    self._emit(RingOver(seat.user_id, seat.name, number, "accepted"))
                case GiveUp():
                    self._give_up()
                case _:
                    pass
        if self._ringing is not None:
            winner = [self._winner] if self._winner is not None else []
            self._ringing.rings = [*self._offering.rings, *winner]
            self._ringing.hungry = self._offering.hungry
            self._ringing.order(steps)

    def _accepted(self, news: RepAnswered) -> None:
        assert self._hall is not None
        assert self._offering is not None
        letter = news.letter
        steps = None
        if not self._over and letter.org_id == self._plan.org_id:
            steps = self._offering.accepted(letter.user_id, letter.number)
        if steps is None:
            self._hall.settle(letter, "")
            return
        seat = next(step.seat for step in steps if isinstance(step, Connect))
        self._winner = seat
        self._carry_out(steps)
        person = Person(seat_id(Seat.REP, seat.user_id), seat.name, seat.user_id, Seat.REP)
        self._stand(lambda: self._people.promise(person))
        self._announcements += 1  # whatever is being said, they hear music until somebody talks with them
        self._room.others.hold(True)
        self._hall.settle(letter, self._hall.ticket_for(letter, seat.name))

    def _leave(self, reason: str, why: Why) -> None:
        """The caller waits no longer."""
        assert self._offering is not None
        waited_s = round(self._now_s() - self._offering.began_s, 1)
        self._carry_out(self._offering.over(why))
        self._over = True
        self._announcements += 1
        if self._ringing is not None:
            self._ringing.rings = []
            self._ringing.end()
        if self._hall is not None:
            self._hall.attendance.changed()  # who talks is busy from now on
        winner = self._winner if reason == "answered" else None
        user_id, name = (winner.user_id, winner.name) if winner is not None else (None, "")
        self._emit(QueueLeft(reason, waited_s, user_id, name))

    def _give_up(self) -> None:
        """Nobody has come: what the queue says for that."""
        assert self._offering is not None
        self._leave(NOBODY_CAME, Why.NOT_QUEUED)
        waited_s = self._now_s() - self._offering.began_s
        if self._queue.then is Then.HANG_UP:
            self.missed = self._parting = True
            self._announce(self._queue.goodbye or self._phrases.closing)
        elif self._queue.then is Then.VOICEMAIL:
            self._room.others.hold(False)
            take_message(self._conversation)
        else:
            self._stand(lambda: self._people.hand_to_agent(account.nobody_took(waited_s)))

    def _announce(self, text: str) -> None:
        """Say something in the music's place."""
        self._announcements += 1
        number = self._announcements
        self._room.others.hold(False)
        self._timers.set("queue", SAYING_S, QueueTold(QueueTimer(Due.SAID, number)))

        def said(length_ms: int) -> None:
            self._timers.set("queue", length_ms / 1000 + AFTER_SAYING_S, QueueTold(QueueTimer(Due.SAID, number)))

        self._conversation.put(Announce(text.replace("{position}", str(self._position)), said))

    def _said(self) -> None:
        if self._parting:
            self._put(HangUpAsked(NOBODY_CAME))
        elif self._waits:
            self._room.others.hold(True)
            due = QueueTold(QueueTimer(Due.PATIENCE, self._announcements))
            self._timers.set("queue", float(self._queue.patience_every_s), due)

    def _stand(self, change: Callable[[], None]) -> None:
        self._ours = True
        try:
            change()
        finally:
            self._ours = False


class QueueingCall(Protocol):
    """What of a call its queue works on."""

    plan: CallPlan
    people: CallPeople
    conversation: Conversation
    room: Room

    @property
    def emit(self) -> Callable[[events.Body], None]: ...

    @property
    def put(self) -> Callable[[CallSignal], None]: ...


def queue_of(call: QueueingCall, hall: Hall | None, phrases: StockPhrases, timers: Timers) -> WaitingCaller | None:
    """Return the queue that a call's plan lets its caller wait in; None: it lets them wait for nobody."""
    if call.plan.queue is None:
        return None
    return WaitingCaller(call, call.plan.queue, hall, phrases, timers, asyncio.get_running_loop().time)
