"""What people in a call have telephoned: asked of the CRM, done by the carrier, and left as it was when it fails."""

import asyncio

from events import call as events
from events.leg_events import LegEnded, LegPlaced
from telephony.call import person_acts as acts
from telephony.call import signals as sig
from telephony.call.leg_acts import Transfer, sentence
from telephony.call.person_acts import Done, Word
from tests.telephony.call.legs_stage import NUMBER, Lines, Table, code, table
from tests.telephony.call.people_stage import JOHN, MARIA
from tests.telephony.call.test_tools import Transfers
from tests.telephony.test_transfer import PLAN


def test_whoever_has_the_word_puts_the_prospect_through() -> None:
    lines, transfers = Lines(), Transfers()

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

    call = table(scene, lines, transfers)
    [question] = lines.asked
    assert (question.number, question.user_id, question.call_id) == (NUMBER, MARIA.user_id, PLAN.call_id)
    assert transfers.put == ["sealed"]
    [placed] = call.told(LegPlaced)
    assert isinstance(placed, LegPlaced)
    assert (placed.leg, placed.number, placed.name) == (question.leg_id, NUMBER, "Maria")
    assert not call.told(LegEnded)


def test_nobody_is_put_through_by_who_has_no_word_or_writes_no_number() -> None:
    lines = Lines()

    async def scene(on: Table) -> None:
        assert code(on.do(JOHN, Transfer(NUMBER))) == "not_in_call"
        on.call.join(JOHN)
        assert code(on.do(JOHN, Transfer(NUMBER))) == "not_yours"
        assert code(on.do(MARIA, Transfer("  "))) == "bad_number"
        assert code(on.do(MARIA, Transfer("1" * 41))) == "bad_number"
        assert code(on.do(MARIA, Transfer(NUMBER), sid="")) == "carrier_unknown"
        on.call.connected = False
        assert code(on.do(MARIA, Transfer(NUMBER))) == "not_connected"

    table(scene, lines)
    assert lines.asked == []


def test_without_a_crm_nobody_is_dialled() -> None:
    async def scene(on: Table) -> None:
        assert code(on.do(MARIA, Transfer(NUMBER))) == "not_here"

    table(scene)


def test_what_the_crm_or_the_carrier_refuses_leaves_the_call_as_it_was() -> None:
    for lines, transfers, said in (
        (Lines(refused="do_not_call"), Transfers(), "do_not_call"),
        (Lines(away=True), Transfers(), "crm_away"),
        (Lines(), Transfers("carrier_21220"), ""),
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

        call = table(scene, lines, transfers)
        ended = [body.reason for body in call.told(LegEnded) if isinstance(body, LegEnded)]
        assert ended == ([] if said else ["carrier_21220"])


def test_who_lost_the_word_before_the_answer_came_puts_nobody_through() -> None:
    async def scene(on: Table) -> None:
        lines.slow = asyncio.Event()
        answers = on.do(MARIA, Transfer(NUMBER))
        await on.settle()
        on.do(MARIA, acts.HandBack())
        lines.slow.set()
        await on.settle()
        assert code(answers) == "call_changed"

    lines, transfers = Lines(), Transfers()
    call = table(scene, lines, transfers)
    assert transfers.put == []
    assert not call.told(LegPlaced)


def test_a_call_that_ends_first_answers_who_waits() -> None:
    async def scene(on: Table) -> None:
        lines.slow = asyncio.Event()
        answers = on.do(MARIA, Transfer(NUMBER))
        await on.settle()
        on.legs.close()
        assert code(answers) == "call_changed"
        lines.slow.set()
        await on.settle()
        assert not on.call.told(LegPlaced)

    lines = Lines()
    table(scene, lines)


def test_each_refusal_has_a_sentence() -> None:
    assert sentence("do_not_call").startswith("Whoever")
    assert "too_many_calls" in sentence("too_many_calls")
