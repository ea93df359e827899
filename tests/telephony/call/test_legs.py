"""What people in a call have telephoned: asked of the CRM, done by the carrier, and left as it was when it fails."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agent.ports import Minds
from agent.tools.port import DeskAway
from events import call as events
from events.legs import LegAnswer, LegQuestion
from telephony.call import person_acts as acts
from telephony.call import signals as sig
from telephony.call.leg_acts import Transfer, sentence
from telephony.call.legs import CallLegs
from telephony.call.person_acts import Answer, Done, Person, PersonActs, Refused, Word
from telephony.call.tools import CallTools
from tests.telephony.call.people_stage import JOHN, MARIA, Caller, play
from tests.telephony.call.test_tools import Transfers
from tests.telephony.test_transfer import PLAN

NUMBER = "+12025550150"


@dataclass
class Desk:
    """The CRM; `slow` keeps its answer back until it is set."""

    refused: str = ""
    away: bool = False
    slow: asyncio.Event | None = None
    asked: list[LegQuestion] = field(default_factory=list)

    async def ask(self, question: LegQuestion) -> LegAnswer:
        self.asked.append(question)
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise DeskAway("crm_away", in_doubt=False)
        return LegAnswer(refused=self.refused) if self.refused else LegAnswer("sealed", question.number)


class Table:
    """A call's legs, with its signals handled as its task would."""

    def __init__(self, call: Caller, desk: Desk | None, transfers: Transfers, tasks: asyncio.TaskGroup) -> None:
        self.call = call
        self.signals: list[sig.CallSignal] = []
        minds = Minds(None, None, None, frozenset(), {})  # type: ignore[arg-type] # none of them is asked
        asked_of_carrier: Any = transfers
        asked_of_crm: Any = desk
        self.tools = CallTools(PLAN, minds, None, call.talk.witness.emit, lambda: 0.0, asked_of_carrier)
        self.legs = CallLegs(PLAN, call.people, self.tools, asked_of_crm, call.talk.witness.emit, self.signals.append)
        self.legs.start(tasks)

    def do(self, person: Person, act: acts.Act, *, sid: str = "CA1") -> list[Answer]:
        """Return where the answer will be."""
        answers: list[Answer] = []
        self.legs.take(PersonActs(person, act, answers.append), sid, connected=self.call.connected)
        return answers

    async def settle(self) -> None:
        """Let what was begun come to its end."""
        for _ in range(5):
            await asyncio.sleep(0)
            waiting, self.signals[:] = list(self.signals), []
            for signal in waiting:
                if isinstance(signal, sig.LegDecided | sig.LegFailed):
                    self.legs.take(signal, "CA1", connected=self.call.connected)
                else:
                    self.signals.append(signal)


def code(answers: list[Answer]) -> str:
    (answer,) = answers
    return answer.code if isinstance(answer, Refused) else ""


def table(
    scene: Callable[[Table], Awaitable[None]], desk: Desk | None = None, transfers: Transfers | None = None
) -> Caller:
    """Play a scene in which Maria has taken the call over."""

    async def prepared(call: Caller) -> None:
        call.join(MARIA)
        assert isinstance(call.do(MARIA, acts.TakeOver()), Done)
        async with asyncio.TaskGroup() as tasks:
            await scene(Table(call, desk, transfers or Transfers(), tasks))

    return play(prepared)


def test_whoever_has_the_word_puts_the_prospect_through() -> None:
    desk, transfers = Desk(), Transfers()

    async def scene(on: Table) -> None:
        answers = on.do(MARIA, Transfer(NUMBER))
        assert answers == [], "the CRM has not decided yet"
        assert code(on.do(MARIA, Transfer(NUMBER))) == "being_put_through"
        await on.settle()
        assert answers == [Done(Word.PERSON)]
        assert on.signals == [sig.HandedOver()]
        assert on.tools.handed_over
        assert await on.tools.put_through(events.Outcome.HUNG_UP, "CA1"), "and our stream's end hangs nothing up"
        on.legs.close()

    call = table(scene, desk, transfers)
    [question] = desk.asked
    assert (question.number, question.user_id, question.call_id) == (NUMBER, MARIA.user_id, PLAN.call_id)
    assert transfers.put == ["sealed"]
    [placed] = call.told(events.LegPlaced)
    assert isinstance(placed, events.LegPlaced)
    assert (placed.leg, placed.number, placed.name) == (question.leg_id, NUMBER, "Maria")
    assert not call.told(events.LegEnded)


def test_nobody_is_put_through_by_who_has_no_word_or_writes_no_number() -> None:
    desk = Desk()

    async def scene(on: Table) -> None:
        assert code(on.do(JOHN, Transfer(NUMBER))) == "not_in_call"
        on.call.join(JOHN)
        assert code(on.do(JOHN, Transfer(NUMBER))) == "not_yours"
        assert code(on.do(MARIA, Transfer("  "))) == "bad_number"
        assert code(on.do(MARIA, Transfer("1" * 41))) == "bad_number"
        assert code(on.do(MARIA, Transfer(NUMBER), sid="")) == "carrier_unknown"
        on.call.connected = False
        assert code(on.do(MARIA, Transfer(NUMBER))) == "not_connected"

    table(scene, desk)
    assert desk.asked == []


def test_without_a_crm_nobody_is_dialled() -> None:
    async def scene(on: Table) -> None:
        assert code(on.do(MARIA, Transfer(NUMBER))) == "not_here"

    table(scene)


def test_what_the_crm_or_the_carrier_refuses_leaves_the_call_as_it_was() -> None:
    for desk, transfers, said in (
        (Desk(refused="do_not_call"), Transfers(), "do_not_call"),
        (Desk(away=True), Transfers(), "crm_away"),
        (Desk(), Transfers("carrier_21220"), ""),
    ):

        async def scene(on: Table, said: str = said) -> None:
            answers = on.do(MARIA, Transfer(NUMBER))
            await on.settle()
            assert code(answers) == said
            assert on.call.word() is Word.PERSON
            assert on.signals == []
            assert not await on.tools.put_through(events.Outcome.TRANSFERRED, "CA1"), "later ends hang up as ever"
            again = on.do(MARIA, Transfer("  "))
            assert code(again) == "bad_number", "and it may be asked for again"

        call = table(scene, desk, transfers)
        ended = [body.reason for body in call.told(events.LegEnded) if isinstance(body, events.LegEnded)]
        assert ended == ([] if said else ["carrier_21220"])


def test_who_lost_the_word_before_the_answer_came_puts_nobody_through() -> None:
    async def scene(on: Table) -> None:
        desk.slow = asyncio.Event()
        answers = on.do(MARIA, Transfer(NUMBER))
        await on.settle()
        on.do(MARIA, acts.HandBack())
        desk.slow.set()
        await on.settle()
        assert code(answers) == "call_changed"

    desk, transfers = Desk(), Transfers()
    call = table(scene, desk, transfers)
    assert transfers.put == []
    assert not call.told(events.LegPlaced)


def test_a_call_that_ends_first_answers_who_waits() -> None:
    async def scene(on: Table) -> None:
        desk.slow = asyncio.Event()
        answers = on.do(MARIA, Transfer(NUMBER))
        await on.settle()
        on.legs.close()
        assert code(answers) == "call_changed"
        desk.slow.set()
        await on.settle()
        assert not on.call.told(events.LegPlaced)

    desk = Desk()
    table(scene, desk)


def test_each_refusal_has_a_sentence() -> None:
    assert sentence("do_not_call").startswith("Whoever")
    assert "too_many_calls" in sentence("too_many_calls")
