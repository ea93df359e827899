"""Whom a waiting caller is offered to: each rule by itself, and all at once in a hall of callers and people."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from events.queue import Member, QueuePlan, Strategy
from telephony.queues.offering import (
    REST_S,
    Claim,
    Connect,
    GiveUp,
    Occupied,
    Offering,
    Phase,
    Release,
    Ring,
    SeatSeen,
    Step,
    Stop,
    Why,
)

RING_S = 10
WAIT_S = 60
PEOPLE = tuple(UUID(int=number) for number in range(1, 5))


def plan(strategy: Strategy) -> QueuePlan:
    members = tuple(Member(user_id, f"M{user_id.int}") for user_id in PEOPLE)
    return QueuePlan("sales", members, id=UUID(int=99), strategy=strategy, ring_s=RING_S, wait_s=WAIT_S)


def seat(number: int, *, idle_since_s: float = 0, ready: bool = True, has: Occupied = Occupied.NOTHING) -> SeatSeen:
    user_id = UUID(int=number)
    return SeatSeen(user_id, f"M{number}", UUID(int=100 + number), "n1", ready, idle_since_s, has)


def rung(offering: Offering, *seats: SeatSeen, now_s: float = 0.0) -> list[Ring]:
    """Look, and let every claim succeed."""
    steps = offering.looked(seats, first=True, now_s=now_s)
    rings: list[Ring] = []
    for step in steps:
        assert isinstance(step, Claim)
        [ring] = offering.claimed(step.seat.user_id, ours=True, now_s=now_s)
        assert isinstance(ring, Ring)
        rings.append(ring)
    return rings


def test_all_who_are_ready_ring_at_once_and_the_first_wins() -> None:
    offering = Offering(plan(Strategy.RING_ALL), 0.0)
    first, second = rung(offering, seat(1), seat(2), seat(3, ready=False), seat(4, has=Occupied.ELSE))

    assert offering.accepted(second.seat.user_id, second.number) == [
        Connect(second.seat, second.number),
        Stop(first.seat, first.number, Why.TAKEN, "M2"),
    ]
    assert offering.accepted(first.seat.user_id, first.number) is None
    assert offering.phase is Phase.TAKEN


def test_one_after_another_rings_whoever_was_without_a_call_for_longest() -> None:
    offering = Offering(plan(Strategy.LONGEST_IDLE), 0.0)
    seats = (seat(1, idle_since_s=30), seat(2, idle_since_s=10), seat(3, idle_since_s=20))
    order = []
    now_s = 0.0
    for _ in range(3):
        [ring] = rung(offering, *seats, now_s=now_s)
        order.append(ring.seat.name)
        assert offering.looked(seats, first=True, now_s=now_s) == []  # one at a time
        [stopped] = offering.declined(ring.seat.user_id, ring.number, now_s)
        assert isinstance(stopped, Stop)
        now_s += 1
    assert order == ["M2", "M3", "M1"]
    assert rung(offering, *seats, now_s=now_s) == []
    assert not offering.hungry  # others may have those whom this caller has had
    assert [ring.seat.name for ring in rung(offering, *seats, now_s=REST_S)] == ["M2"]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ((), Why.PAGE_GONE),
        ((seat(1, ready=False),), Why.PAGE_GONE),
        ((seat(1, has=Occupied.ELSE),), Why.PAGE_GONE),
        ((replace(seat(1), seat=UUID(int=999)),), Why.PAGE_GONE),
    ],
)
def test_a_page_that_is_gone_is_rung_no_longer(seen: tuple[SeatSeen, ...], why: Why) -> None:
    offering = Offering(plan(Strategy.RING_ALL), 0.0)
    [ring] = rung(offering, seat(1))

    steps = offering.looked(seen, first=False, now_s=1.0)

    assert steps[0] == Stop(ring.seat, ring.number, why)
    assert offering.accepted(ring.seat.user_id, ring.number) is None


def test_the_longest_wait_ends_when_nobody_is_rung_any_more() -> None:
    offering = Offering(plan(Strategy.LONGEST_IDLE), 0.0)
    late = WAIT_S - 1.0
    [ring] = rung(offering, seat(1), seat(2), now_s=late)

    assert offering.looked((seat(1, has=Occupied.THIS), seat(2)), first=True, now_s=late + 2) == []
    assert offering.looked((seat(2),), first=True, now_s=late + RING_S) == [
        Stop(ring.seat, ring.number, Why.PAGE_GONE),
        GiveUp(),
    ]


def test_when_the_one_person_declines_nobody_is_waited_for() -> None:
    only = QueuePlan("Ada", (Member(PEOPLE[0], "Ada"),), ring_s=30, wait_s=30)
    offering = Offering(only, 0.0)
    [ring] = rung(offering, seat(1))

    assert offering.declined(PEOPLE[0], ring.number, 4.0) == [Stop(ring.seat, ring.number, Why.DECLINED), GiveUp()]


def test_who_took_the_caller_and_does_not_come_loses_them() -> None:
    offering = Offering(plan(Strategy.LONGEST_IDLE), 0.0)
    [ring] = rung(offering, seat(1), seat(2, idle_since_s=1))
    assert offering.accepted(ring.seat.user_id, ring.number) is not None

    assert offering.came_not(5.0) == [Release(ring.seat)]
    assert [again.seat.name for again in rung(offering, seat(1), seat(2, idle_since_s=1), now_s=6.0)] == ["M2"]


def test_a_claim_that_succeeds_too_late_is_given_back() -> None:
    offering = Offering(plan(Strategy.RING_ALL), 0.0)
    [claim] = offering.looked((seat(1),), first=True, now_s=0.0)
    assert isinstance(claim, Claim)
    assert offering.over(Why.CALLER_GONE) == []

    assert offering.claimed(claim.seat.user_id, ours=True, now_s=1.0) == [Release(claim.seat)]


class Hall(RuleBasedStateMachine):
    """Some callers of one queue, some people, and the keys that Redis would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.callers: dict[int, Offering] = {}
        self.strategies: dict[int, Strategy] = {}
        self.keys: dict[UUID, int] = {}  # whose each person is
        self.rings: dict[UUID, tuple[int, int]] = {}  # person: caller, number
        self.talks: dict[UUID, int] = {}
        self.ready = dict.fromkeys(PEOPLE, True)
        self.pages = {user_id: UUID(int=100 + user_id.int) for user_id in PEOPLE}
        self.idle_since = dict.fromkeys(PEOPLE, 0.0)
        self.given_up: set[int] = set()
        self.left: set[int] = set()

    @initialize(strategies=st.lists(st.sampled_from(Strategy), min_size=1, max_size=4))
    def open(self, strategies: list[Strategy]) -> None:
        for number, strategy in enumerate(strategies):
            self.strategies[number] = strategy
            self.callers[number] = Offering(plan(strategy), 0.0)

    def seats(self, caller: int) -> list[SeatSeen]:
        def occupied(user_id: UUID) -> Occupied:
            if user_id not in self.keys:
                return Occupied.NOTHING
            return Occupied.THIS if self.keys[user_id] == caller else Occupied.ELSE

        return [
            SeatSeen(one, f"M{one.int}", self.pages[one], "n", self.ready[one], self.idle_since[one], occupied(one))
            for one in PEOPLE
        ]

    def carry_out(self, caller: int, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Claim(seat=wanted):
                    if self.strategies[caller] is Strategy.LONGEST_IDLE:
                        self._nobody_waited_longer(caller, wanted)
                    ours = wanted.user_id not in self.keys
                    if ours:
                        self.keys[wanted.user_id] = caller
                    self.carry_out(caller, self.callers[caller].claimed(wanted.user_id, ours=ours, now_s=self.now_s))
                case Ring(seat=ringing, number=number):
                    assert self.keys[ringing.user_id] == caller, "rung without its key"
                    assert ringing.user_id not in self.rings, "rung twice at once"
                    assert ringing.user_id not in self.talks, "rung while they talk"
                    self.rings[ringing.user_id] = caller, number
                case Stop(seat=stopped, number=number):
                    assert self.rings.pop(stopped.user_id) == (caller, number)
                    assert self.keys.pop(stopped.user_id) == caller
                case Release(seat=released):
                    assert self.keys.pop(released.user_id) == caller
                    self.talks.pop(released.user_id, None)
                case Connect(seat=winner, number=number):
                    assert self.rings.pop(winner.user_id) == (caller, number)
                    assert caller not in self.talks.values(), "two winners"
                    self.talks[winner.user_id] = caller
                case GiveUp():
                    assert caller not in self.given_up
                    self.given_up.add(caller)

    def _nobody_waited_longer(self, caller: int, wanted: SeatSeen) -> None:
        resting = self.callers[caller]._resting
        free = [
            one
            for one in self.seats(caller)
            if one.ready and one.occupied is Occupied.NOTHING and resting.get(one.user_id, 0.0) <= self.now_s
        ]
        assert wanted.idle_since_s == min(one.idle_since_s for one in free)

    def look(self, caller: int) -> None:
        earlier = any(other.hungry for number, other in self.callers.items() if number < caller)
        offering = self.callers[caller]
        self.carry_out(caller, offering.looked(self.seats(caller), first=not earlier, now_s=self.now_s))

    @rule(data=st.data())
    def somebody_looks(self, data: st.DataObject) -> None:
        self.look(data.draw(st.sampled_from(sorted(self.callers))))

    @rule(seconds=st.floats(0.1, 15.0))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        for number, offering in self.callers.items():
            self.carry_out(number, offering.tick(self.now_s))

    @rule(data=st.data(), accepts=st.booleans())
    def answer(self, data: st.DataObject, accepts: bool) -> None:
        if not self.rings:
            return
        user_id = data.draw(st.sampled_from(sorted(self.rings)))
        caller, number = self.rings[user_id]
        if not accepts:
            self.carry_out(caller, self.callers[caller].declined(user_id, number, self.now_s))
            return
        steps = self.callers[caller].accepted(user_id, number)
        assert steps is not None, "who is rung may take the caller"
        self.carry_out(caller, steps)

    @rule(user_id=st.sampled_from(PEOPLE), data=st.data())
    def answer_what_is_over(self, user_id: UUID, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        if user_id not in self.rings or self.rings[user_id][0] != caller:
            assert self.callers[caller].accepted(user_id, 1) is None

    @rule(user_id=st.sampled_from(PEOPLE), ready=st.booleans())
    def switch(self, user_id: UUID, ready: bool) -> None:
        self.ready[user_id] = ready

    @rule(user_id=st.sampled_from(PEOPLE))
    def load_page_again(self, user_id: UUID) -> None:
        self.pages[user_id] = UUID(int=self.pages[user_id].int + 1_000)

    @rule(user_id=st.sampled_from(PEOPLE))
    def end_of_a_talk(self, user_id: UUID) -> None:
        if user_id in self.talks:
            del self.talks[user_id], self.keys[user_id]
            self.idle_since[user_id] = self.now_s

    @rule(user_id=st.sampled_from(PEOPLE))
    def winner_does_not_come(self, user_id: UUID) -> None:
        caller = self.talks.get(user_id)
        if caller is not None:
            self.carry_out(caller, self.callers[caller].came_not(self.now_s))

    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(sorted(self.callers)))
        if self.callers[caller].phase is Phase.WAITING:
            self.left.add(caller)
            self.carry_out(caller, self.callers[caller].over(Why.CALLER_GONE))

    @invariant()
    def whoever_is_over_rings_nobody(self) -> None:
        for number, offering in self.callers.items():
            if offering.phase is not Phase.WAITING:
                assert number not in [caller for caller, _ in self.rings.values()]

    def teardown(self) -> None:
        """However it went, no caller is lost: who waits is given up, or taken, at their time."""
        for _ in range(WAIT_S + RING_S + 2):
            self.now_s += 1
            for number in self.callers:
                self.look(number)
        for number, offering in self.callers.items():
            assert offering.phase is not Phase.WAITING
            assert offering.phase is Phase.TAKEN or number in self.given_up or number in self.left
        assert not self.rings
        assert set(self.keys) == set(self.talks), "a key is left over"


TestHall = Hall.TestCase
TestHall.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(waits=st.lists(st.sampled_from(Strategy), min_size=2, max_size=3))
def test_who_came_first_is_offered_first(waits: list[Strategy]) -> None:
    """While the first is hungry, the others leave who becomes free to them."""
    callers = [Offering(plan(strategy), 0.0) for strategy in waits]
    nobody = (seat(1, ready=False),)
    for caller in callers:
        assert caller.looked(nobody, first=caller is callers[0], now_s=1.0) == []
    assert all(caller.hungry for caller in callers)
    assert callers[1].looked((seat(1),), first=False, now_s=2.0) == []
    assert callers[0].looked((seat(1),), first=True, now_s=2.0) == [Claim(seat(1))]
