"""A caller who waits, on the call's sound and in virtual time: what they hear, and every way in which it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import numpy as np
from redis.exceptions import ConnectionError as RedisGone

from agent.stock_phrases import ENGLISH
from events import call as events
from events.ids import new_id
from events.queue import Member, QueueEntered, QueueLeft, QueuePlan, RepRung, RingOver, Strategy, Then
from events.ticket import Seat
from media.party import Role as Part
from telephony.call import person_acts as acts
from telephony.call.person_acts import Person, Word, seat_id
from telephony.call.signals import CallSignal, HangUpAsked
from telephony.call.timers import Timers
from telephony.queues.hall import Hall
from telephony.queues.news import Looked, QueueTold, RepAnswered
from telephony.queues.offering import Occupied, SeatSeen
from telephony.queues.offers import Answered, Letter, Offered, Withdrawn
from telephony.queues.waiting import WaitingCaller
from tests.telephony.call.people_stage import INES, LOUD, Caller, play

ADA = Person(seat_id(Seat.REP, UUID(int=11)), "Ada", UUID(int=11), Seat.REP)
BOB = Person(seat_id(Seat.REP, UUID(int=12)), "Bob", UUID(int=12), Seat.REP)
MEMBERS = tuple(Member(one.user_id, one.name) for one in (ADA, BOB))


def queue(**changes: Any) -> QueuePlan:
    values: dict[str, Any] = {"id": UUID(int=9), "ring_s": 20, "wait_s": 60}
    return QueuePlan("Sales", MEMBERS, **(values | changes))


def seat(person: Person) -> SeatSeen:
    return SeatSeen(person.user_id, person.name, UUID(int=100 + person.user_id.int), "n2", True, 0.0, Occupied.NOTHING)


class HalfRedis:
    """Gives every claim; nothing else of it works."""

    async def set(self, *_: Any, **__: Any) -> bool:
        return True

    def pipeline(self, *_: Any, **__: Any) -> "HalfRedis":
        return self

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    def __len__(self) -> int:
        return 0

    async def execute(self) -> Any:
        raise RedisGone

    async def hdel(self, *_: Any) -> Any:
        raise RedisGone


class FakeHall:
    """What a waiting call has done at its node."""

    node = "n1"

    def __init__(self) -> None:
        self.redis = HalfRedis()
        self.post = self.attendance = self
        self.sent: list[tuple[str, Letter]] = []
        self.settled: list[tuple[UUID, str]] = []

    def send(self, node: str, letter: Letter) -> None:
        self.sent.append((node, letter))

    def changed(self) -> None:
        pass

    def settle(self, answered: Answered, ticket: str) -> None:
        self.settled.append((answered.user_id, ticket))

    def ticket_for(self, answered: Answered, name: str) -> str:
        return f"for {name}"


class Waiting:
    """A caller in a queue, whose members the test plays."""

    def __init__(self, call: Caller, plan: QueuePlan) -> None:
        self.call, self.hall = call, FakeHall()
        self.other: list[CallSignal] = []
        self.org_id = new_id()
        self.people, self.conversation, self.room = call.people, call.talk.conversation, call.talk.room
        self.emit = call.talk.witness.emit
        self.plan = cast(Any, _Plan(self.org_id))
        hall = cast(Hall, self.hall)
        self.queue = WaitingCaller(self, plan, hall, ENGLISH, Timers(self.put), asyncio.get_running_loop().time)
        call.people.expect(None, self.queue)
        self.queue.start(call._tasks)

    def put(self, signal: CallSignal) -> None:
        if isinstance(signal, QueueTold):
            self.call.people.take(signal, connected=True)
        else:
            self.other.append(signal)

    async def look(self, *people: Person) -> None:
        self.queue.take(Looked(tuple(seat(one) for one in people), first=True))
        await self.call.talk.live(100)  # the claims

    def answer(self, person: Person, *, accepts: bool) -> None:
        offered = next(
            letter
            for _, letter in reversed(self.hall.sent)
            if isinstance(letter, Offered) and letter.user_id == person.user_id
        )
        self.queue.take(
            RepAnswered(
                Answered(
                    offered.call_id,
                    offered.number,
                    self.org_id,
                    person.user_id,
                    seat(person).seat,
                    "n2",
                    "rep",
                    None,
                    accepts,
                )
            )
        )

    def rung(self) -> list[str]:
        return [one.name for one in cast(list[RepRung], self.call.told(RepRung))]

    def ends(self) -> list[tuple[str, str]]:
        return [(one.name, one.reason) for one in cast(list[RingOver], self.call.told(RingOver))]

    def left(self) -> list[str]:
        return [one.reason for one in cast(list[QueueLeft], self.call.told(QueueLeft))]


class _Plan:
    """What of a plan a queue reads."""

    def __init__(self, org_id: UUID) -> None:
        self.org_id, self.call_id = org_id, new_id()
        self.prospect = self
        self.lead_id, self.name, self.company = new_id(), "Sam", "Bakery"


def wait(scene: Callable[[Waiting], Awaitable[None]], plan: QueuePlan) -> Caller:
    async def play_it(call: Caller) -> None:
        waiting = Waiting(call, plan)
        try:
            await scene(waiting)
        finally:
            waiting.queue.caller_gone()
            await call.talk.live(2_000)  # its task ends

    return play(play_it)


def test_whoever_takes_the_caller_is_heard_and_the_music_is_over() -> None:
    async def scene(waiting: Waiting) -> None:
        call = waiting.call
        await call.talk.live(8_000)  # the greeting, then music
        assert np.abs(call.heard(1_000).astype(int)).max() > LOUD
        assert call.word() is Word.HELD
        await waiting.look(ADA, BOB)
        waiting.answer(BOB, accepts=True)
        assert waiting.hall.settled == [(BOB.user_id, "for Bob")]
        waiting.answer(ADA, accepts=True)
        assert waiting.hall.settled[1:] == [(ADA.user_id, "")]
        assert call.word() is Word.HELD
        call.join(BOB, Part.LISTENER)
        await call.talk.live(1_000)
        assert call.word() is Word.PERSON
        assert waiting.left() == ["answered"]

    call = wait(scene, queue())
    assert isinstance(call.told(QueueEntered)[0], QueueEntered)
    assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.TRANSFERRED


def test_whoever_took_the_caller_and_does_not_come_loses_them_to_the_next() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.look(ADA)
        waiting.answer(ADA, accepts=True)
        await waiting.call.talk.live(16_000)
        assert waiting.call.word() is Word.HELD, "the caller waits again"
        await waiting.look(ADA, BOB)
        assert waiting.rung() == ["Ada", "Bob"]
        waiting.answer(BOB, accepts=True)
        waiting.call.join(BOB)
        assert waiting.left() == ["answered"]

    wait(scene, queue())


def test_a_caller_who_hangs_up_while_it_rings_was_missed() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.look(ADA)
        waiting.queue.caller_gone()
        await waiting.call.talk.live(200)
        gone = [letter for _, letter in waiting.hall.sent if isinstance(letter, Withdrawn)]
        assert [(letter.user_id, letter.why) for letter in gone] == [(ADA.user_id, "caller_gone")]
        waiting.answer(ADA, accepts=True)
        assert waiting.hall.settled == [(ADA.user_id, "")]

    call = wait(scene, queue())
    assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.MISSED
    assert call.people.named(events.Outcome.SERVICE_FAILURE) is events.Outcome.SERVICE_FAILURE


def test_a_page_that_is_gone_is_followed_by_the_next() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.look(ADA)
        await waiting.look(BOB)
        assert waiting.ends() == [("Ada", "page_gone")]
        assert waiting.rung() == ["Ada", "Bob"]

    wait(scene, queue(strategy=Strategy.LONGEST_IDLE))


def test_whoever_lets_it_ring_in_vain_is_switched_off_in_turn_and_not_when_all_ring() -> None:
    for strategy, rests in ((Strategy.LONGEST_IDLE, True), (Strategy.RING_ALL, False)):

        async def scene(waiting: Waiting, rests: bool = rests) -> None:
            await waiting.look(ADA)
            await waiting.call.talk.live(21_000)
            (gone,) = [letter for _, letter in waiting.hall.sent if isinstance(letter, Withdrawn)]
            assert (gone.why, gone.rests) == ("missed", rests)

        wait(scene, queue(strategy=strategy))


def test_with_redis_away_the_agent_takes_the_caller_in_the_end() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.call.talk.live(59_000)
        assert waiting.left() == []
        await waiting.call.talk.live(3_000)
        assert waiting.left() == ["nobody_came"]
        assert waiting.call.word() is Word.AGENT

    call = wait(scene, queue())
    assert not call.people.queue or not call.people.queue.missed


def test_who_is_let_go_hears_the_goodbye_first() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.call.talk.live(6_000)
        assert waiting.left() == ["nobody_came"]
        assert waiting.other == []
        await waiting.call.talk.live(20_000)
        assert waiting.other == [HangUpAsked("nobody_came")]

    call = wait(scene, queue(wait_s=5, then=Then.HANG_UP, goodbye="Nobody is free. Goodbye."))
    said = [turn.text for turn in call.told(events.TurnFinished) if isinstance(turn, events.TurnFinished)]
    assert "Nobody is free. Goodbye." in said
    assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.MISSED


def test_a_supervisor_who_takes_the_call_over_ends_the_waiting() -> None:
    async def scene(waiting: Waiting) -> None:
        await waiting.look(ADA)
        waiting.call.join(INES)
        waiting.call.do(INES, acts.TakeOver())
        assert waiting.left() == ["taken_over"]
        assert waiting.ends() == [("Ada", "not_queued")]
        assert waiting.call.word() is Word.PERSON

    call = wait(scene, queue())
    assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.TRANSFERRED
