"""What is told of an answer, whatever the model wrote into its tool calls."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import report
from agent.llm.port import Failure, ToolCall, Usage
from agent.llm.usage import Fate, ModelCall
from agent.reply import Reply, Waterfall
from events.call import Body, FactKind, FactNoted, ModelUsed, Outcome, TurnFinished


def reply(name: str, arguments: dict[str, Any]) -> Reply:
    made = Reply(1, Waterfall())
    made.calls.append(ToolCall("1", name, arguments))
    return made


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"outcome": "goal_reached"}, Outcome.GOAL_REACHED),
        ({"outcome": "they were rude"}, Outcome.HUNG_UP),
        ({"outcome": None}, Outcome.HUNG_UP),
        ({}, Outcome.HUNG_UP),
    ],
)
def test_a_model_that_ends_the_call_ends_it_whatever_it_calls_that(arguments: dict[str, Any], outcome: Outcome) -> None:
    assert report.decided_outcome(reply("end_call", arguments)) is outcome
    assert report.decided_outcome(reply("note_fact", arguments)) is None
    assert report.decided_outcome(None) is None


@given(st.dictionaries(st.sampled_from(["kind", "text", "when", "x"]), st.none() | st.integers() | st.text()))
def test_any_fact_is_noted_once_under_a_kind_that_exists(arguments: dict[str, Any]) -> None:
    told: list[Body] = []
    facts = report.Facts(told.append)
    made = reply("note_fact", arguments)
    facts.note(made)
    facts.note(made)
    (fact,) = told
    assert isinstance(fact, FactNoted)
    assert fact.kind in FactKind


def test_a_request_to_a_model_is_told_in_counts() -> None:
    call = ModelCall("openai:m", Fate.FAILED, Failure.CUT, Usage(10, 2), True, 5, 300, 900, 1)
    told = report.model_used(call)
    assert told == ModelUsed("openai:m", "failed", "cut", 10, 2, True, 5, 300, 900, 1)


def test_keys_stand_where_no_words_were() -> None:
    def told(made: Reply, heard: str) -> tuple[str, str]:
        [turn] = [body for body in report.answer(made, heard, 900, interrupted=False) if isinstance(body, TurnFinished)]
        return turn.text, turn.heard_text

    assert told(Reply(1, Waterfall(), keys="2#"), "") == ("[2#]", "[2#]")
    assert told(Reply(1, Waterfall(), ["One moment."], keys="2"), "One") == ("One moment.", "One")
