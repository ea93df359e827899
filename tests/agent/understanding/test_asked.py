"""A model's word on an utterance."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import Failure, ModelUnavailable, ToolCall
from agent.understanding.asked import TOOL, Judgement, ask, read
from agent.understanding.objections import Objection
from agent.understanding.sentiment import Sentiment
from events.understanding import ObjectionKind
from tests.agent.llm.players import Player

SAID: Final = "Honestly, that is far too much money for us"
GOOD: Final[dict[str, Any]] = {"sentiment": -0.5, "confidence": 0.9, "objection": "price", "quote": "too much money"}


async def test_the_model_is_asked_for_one_call_and_shown_the_words_as_words() -> None:
    player = Player([ToolCall("1", TOOL, GOOD)])
    assert await ask(player, SAID) == Judgement(
        Sentiment(-0.5, 0.9), (Objection(ObjectionKind.PRICE, "too much money"),)
    )
    [request] = player.requests
    assert request.must_call == TOOL == request.tools[0].name
    assert SAID in request.messages[-1].text
    assert SAID not in request.instructions


async def test_an_answer_in_words_is_no_judgement() -> None:
    with pytest.raises(ModelUnavailable) as raised:
        await ask(Player(["It sounds angry to me."]), SAID)
    assert raised.value.failure is Failure.GARBAGE


@pytest.mark.parametrize(
    "change",
    [
        {"sentiment": 2},
        {"sentiment": "angry"},
        {"sentiment": True},
        {"sentiment": float("nan")},
        {"confidence": -0.1},
        {"confidence": None},
        {"objection": "weather"},
    ],
)
def test_a_judgement_out_of_its_range_is_garbage(change: dict[str, Any]) -> None:
    with pytest.raises(ModelUnavailable) as raised:
        read(GOOD | change, SAID)
    assert raised.value.failure is Failure.GARBAGE
    assert "money" not in str(raised.value)


def test_no_objection_is_none_and_a_quote_that_nobody_said_is_not_kept() -> None:
    assert read(GOOD | {"objection": "none"}, SAID).objections == ()
    assert read(GOOD | {"quote": "you thieves"}, SAID).objections == (Objection(ObjectionKind.PRICE, SAID),)


@given(st.dictionaries(st.sampled_from([*GOOD]), st.none() | st.booleans() | st.floats() | st.text() | st.integers()))
def test_any_arguments_are_a_judgement_or_one_error(change: dict[str, Any]) -> None:
    try:
        found = read(GOOD | change, SAID)
    except ModelUnavailable:
        return
    assert -1 <= found.sentiment.score <= 1
    assert 0 <= found.sentiment.confidence <= 1
    assert all(objection.quote in SAID for objection in found.objections)
