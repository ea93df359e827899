"""Whom one waiting caller is offered to, and what comes of it. Sans-I/O: no Redis, clock or socket.

What is known of the people comes in as snapshots (`looked`); what is to be done comes out as steps. A person is rung
only once their key in Redis is ours (Claim, then `claimed`), so no two callers ever ring the same one. The call's one
task calls this, so that the first to accept is the first whose word is read there: there is one winner, wherever the
others sit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from uuid import UUID

from events.queue import QueuePlan, Strategy

REST_S: Final = 20.0  # after a refusal nobody is rung with the same caller again before that


class Occupied(Enum):
    """What somebody who attends is occupied with."""

    NOTHING = auto()
    THIS = auto()  # this caller rings them
    ELSE = auto()


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """A member of the queue whose page attends somewhere."""

    user_id: UUID
    name: str
    seat: UUID
    node: str
    ready: bool
    idle_since_s: float
    occupied: Occupied


class Why(Enum):
    """Why ringing somebody is over."""

    TAKEN = "taken"  # a colleague was first
    DECLINED = "declined"
    MISSED = "missed"  # nobody answered there in time
    PAGE_GONE = "page_gone"  # closed, switched off, or busy by now
    CALLER_GONE = "caller_gone"
    NOT_QUEUED = "not_queued"  # the agent, or somebody else, has the caller by now


@dataclass(frozen=True, slots=True)
class Claim:
    """Make somebody's key ours, and say `claimed`."""

    seat: SeatSeen


@dataclass(frozen=True, slots=True)
class Release:
    """Give the key back: they are not wanted any more."""

    seat: SeatSeen


@dataclass(frozen=True, slots=True)
class Ring:
    seat: SeatSeen
    number: int  # of this caller's offers


@dataclass(frozen=True, slots=True)
class Stop:
    """Ring no longer, and give the key back."""

    seat: SeatSeen
    number: int
    why: Why
    by: str = ""  # of TAKEN: who was first


@dataclass(frozen=True, slots=True)
class Connect:
    """They have the caller. Their key stays ours until they are in the call."""

    seat: SeatSeen
    number: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody has come in time."""


Step = Claim | Release | Ring | Stop | Connect | GiveUp


class Phase(Enum):
    WAITING = auto()
    TAKEN = auto()
    OVER = auto()  # given up, hung up, or taken out of the queue


@dataclass(frozen=True, slots=True)
class _Ringing:
    seat: SeatSeen
    number: int
    until_s: float


class Offering:
    """One caller's. Times are of one clock, in seconds."""

    def __init__(self, plan: QueuePlan, now_s: float) -> None:
        self.phase = Phase.WAITING
        self.began_s = now_s
        self._plan = plan
        self._deadline_s = now_s + plan.wait_s
        self._claiming: dict[UUID, SeatSeen] = {}
        self._ringing: dict[UUID, _Ringing] = {}
        self._resting: dict[UUID, float] = {}  # until when
        self._all_rest = False
        self._number = 0
        self._winner: SeatSeen | None = None

    @property
    def rings(self) -> list[SeatSeen]:
        """Who is rung, or about to be."""
        return [*self._claiming.values(), *(one.seat for one in self._ringing.values())]

    @property
    def hungry(self) -> bool:
        """True while callers who came later must leave whoever becomes free to this one."""
        return self.phase is Phase.WAITING and not self._claiming and not self._ringing and not self._all_rest

    def looked(self, seats: Sequence[SeatSeen], *, first: bool, now_s: float) -> list[Step]:
        """Take how the members stand. `first`: no caller who came earlier is hungry."""
        if self.phase is not Phase.WAITING:
            return []
        steps = self._stop_gone(seats, now_s)
        steps += self.tick(now_s)
        if self.phase is not Phase.WAITING or now_s >= self._deadline_s:
            return steps
        free = [seat for seat in seats if self._is_free(seat)]
        rested = [seat for seat in free if self._resting.get(seat.user_id, now_s) <= now_s]
        self._all_rest = bool(free) and not rested
        if first:
            for seat in self._chosen(rested):
                self._claiming[seat.user_id] = seat
                steps.append(Claim(seat))
        return steps

    def tick(self, now_s: float) -> list[Step]:
        """Let time pass: rings end, and so does the longest wait, once nobody is rung any more."""
        if self.phase is not Phase.WAITING:
            return []
        late = [one for one in self._ringing.values() if one.until_s <= now_s]
        steps: list[Step] = [self._end(one, Why.MISSED, now_s) for one in late]
        if now_s >= self._deadline_s and not self._ringing and not self._claiming:
            self.phase = Phase.OVER
            steps.append(GiveUp())
        return steps

    def claimed(self, user_id: UUID, *, ours: bool, now_s: float) -> list[Step]:
        """The key of somebody whom we wanted to ring is ours, or it was not to be had."""
        seat = self._claiming.pop(user_id, None)
        if seat is None or not ours:
            return []
        if self.phase is not Phase.WAITING:
            return [Release(seat)]
        self._number += 1
        self._ringing[user_id] = _Ringing(seat, self._number, now_s + self._plan.ring_s)
        return [Ring(seat, self._number)]

    def accepted(self, user_id: UUID, number: int) -> list[Step] | None:
        """Somebody takes the caller; None: they cannot, their ring is over."""
        ringing = self._ringing.get(user_id)
        if self.phase is not Phase.WAITING or ringing is None or ringing.number != number:
            return None
        del self._ringing[user_id]
        self.phase = Phase.TAKEN
        self._winner = ringing.seat
        return [Connect(ringing.seat, number), *self._stop_all(Why.TAKEN, ringing.seat.name)]

    def declined(self, user_id: UUID, number: int, now_s: float) -> list[Step]:
        ringing = self._ringing.get(user_id)
        if ringing is None or ringing.number != number:
            return []
        if self._plan.id is None:
            self._deadline_s = now_s  # the one person whom they wanted has said no
        return [self._end(ringing, Why.DECLINED, now_s), *self.tick(now_s)]

    def came_not(self, now_s: float) -> list[Step]:
        """Who took the caller is not there after all: offer them to others, or give up if it is late."""
        if self.phase is not Phase.TAKEN or self._winner is None:
            return []
        winner, self._winner = self._winner, None
        self._resting[winner.user_id] = now_s + REST_S
        self.phase = Phase.WAITING
        return [Release(winner), *self.tick(now_s)]

    def over(self, why: Why) -> list[Step]:
        """The caller waits no longer: they hung up, or somebody has them."""
        self.phase = Phase.OVER
        return self._stop_all(why)

    def _is_free(self, seat: SeatSeen) -> bool:
        known = seat.user_id in self._claiming or seat.user_id in self._ringing
        return seat.ready and seat.occupied is Occupied.NOTHING and not known

    def _chosen(self, rested: list[SeatSeen]) -> list[SeatSeen]:
        if self._plan.strategy is Strategy.RING_ALL:
            return rested
        if self._claiming or self._ringing or not rested:
            return []
        return [min(rested, key=lambda seat: (seat.idle_since_s, seat.user_id))]

    def _stop_gone(self, seats: Sequence[SeatSeen], now_s: float) -> list[Step]:
        there = {seat.seat for seat in seats if seat.ready and seat.occupied is not Occupied.ELSE}
        gone = [one for one in self._ringing.values() if one.seat.seat not in there]
        return [self._end(one, Why.PAGE_GONE, now_s) for one in gone]

    def _end(self, ringing: _Ringing, why: Why, now_s: float) -> Step:
        del self._ringing[ringing.seat.user_id]
        if why is not Why.PAGE_GONE:  # whoever opens the page again has not seen it
            self._resting[ringing.seat.user_id] = now_s + REST_S
        return Stop(ringing.seat, ringing.number, why)

    def _stop_all(self, why: Why, by: str = "") -> list[Step]:
        rings = list(self._ringing.values())
        self._ringing.clear()
        return [Stop(one.seat, one.number, why, by) for one in rings]
