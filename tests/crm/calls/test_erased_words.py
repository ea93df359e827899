"""Words go, the books stay."""

from uuid import UUID

from crm.calls.erased_words import BLANK, without_words
from events.call import (
    AgentInstructed,
    BargedIn,
    FactKind,
    FactNoted,
    Finished,
    Outcome,
    Speaker,
    State,
    TurnFinished,
    WordPassed,
)
from events.understanding import CallerUnderstood, Mood, ObjectionKind


def test_what_was_said_is_taken_out_and_when_it_was_stays() -> None:
    turn = TurnFinished(3, Speaker.CALLER, "my card is", "my card", 100, 900, interrupted=True)
    assert without_words(turn) == TurnFinished(3, Speaker.CALLER, "", "", 100, 900, interrupted=True)
    fact = FactNoted(FactKind.MEETING_BOOKED, "tomorrow", "at ten", {"email": "a@b.c"})
    assert without_words(fact) == FactNoted(FactKind.MEETING_BOOKED)
    understood = CallerUnderstood(3, Mood.NEGATIVE, -0.6, 0.7, (ObjectionKind.PRICE,), ("my card is empty",))
    assert without_words(understood) == CallerUnderstood(3, Mood.NEGATIVE, -0.6, 0.7, (ObjectionKind.PRICE,))
    user = UUID(int=1)
    passed = WordPassed("agent", "p1", "Maria", user, agreed="my card is a gift")
    assert without_words(passed) == WordPassed("agent", "p1", "Maria", user)
    assert without_words(AgentInstructed("ask for the card", "Ines")) == AgentInstructed("", "Ines")


def test_what_holds_no_words_is_left_alone() -> None:
    for body in (BargedIn(2, 1800, 120), Finished(State.ENDED, Outcome.HUNG_UP, reason="said goodbye")):
        assert without_words(body) == body


def test_each_kind_that_holds_words_is_listed() -> None:
    assert set(BLANK) == {
        "turn.finished",
        "fact.noted",
        "message.requested",
        "caller.understood",
        "agent.instructed",
        "word.passed",
    }
