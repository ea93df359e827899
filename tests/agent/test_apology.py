"""An answer that no model gives."""

import pytest

from agent import report
from agent.apology import KEY_REFUSED, MODEL_AWAY, SWITCHED_OFF, break_off, reason_of
from agent.llm.port import Failure, ToolCall
from agent.reply import Reply, Waterfall
from agent.stock_phrases import stock_phrases
from events.call import Body, FactKind, FactNoted, Outcome

PHRASES = stock_phrases()


@pytest.mark.parametrize("failure", list(Failure))
def test_the_operator_s_switch_and_a_refused_key_are_told_apart(failure: Failure) -> None:
    known = {Failure.SWITCHED_OFF: SWITCHED_OFF, Failure.REFUSED_KEY: KEY_REFUSED}
    assert reason_of(failure) == known.get(failure, MODEL_AWAY)


@pytest.mark.parametrize(("reason", "words"), [(MODEL_AWAY, PHRASES.sorry), (SWITCHED_OFF, PHRASES.closing)])
def test_it_ends_the_call_and_leaves_a_call_back(reason: str, words: str) -> None:
    reply = Reply(3, Waterfall(), calls=[ToolCall("a", "note_fact", {"kind": "objection", "text": "price"})])
    assert break_off(reply, reason, PHRASES) == words
    assert reply.failed == reason
    assert report.decided_outcome(reply) is Outcome.SERVICE_FAILURE
    noted: list[Body] = []
    report.Facts(noted.append).note(reply)
    assert noted == [
        FactNoted(FactKind.OBJECTION, "price"),
        FactNoted(FactKind.BROKEN_OFF, reason),
    ]


def test_a_goodbye_that_was_decided_stands() -> None:
    """The model failed after it had ended the call: nobody needs to call back."""
    reply = Reply(3, Waterfall(), calls=[ToolCall("a", "end_call", {"outcome": "goal_reached"})])
    assert break_off(reply, MODEL_AWAY, PHRASES) == ""
    assert (reply.failed, len(reply.calls)) == ("", 1)
