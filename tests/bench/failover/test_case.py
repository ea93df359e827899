"""Who dies in which call, and what the vendors' servers say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.failover.case import ANSWERS, VICTIMS, Case, draw, model_reaction, recogniser_reaction, vocabulary
from bench.failover.case import voice_reaction as voice
from bench.providers.chat_script import Answer, Refusal


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "number": 0,
        "victim": "model",
        "fault": "cut",
        "deaths": 1,
        "turn": 1,
        "after": 3,
        "repeats": 0,
    }
    return Case(**(values | {"piece_chars": 5} | changes))


def said(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": [{"text": text}]} for text in texts]}


@given(st.integers(0, 10_000), st.integers(0, 100))
def test_a_case_follows_from_its_number_and_seed(number: int, seed: int) -> None:
    drawn = draw(number, seed)
    assert drawn == draw(number, seed)
    assert drawn.victim == VICTIMS[number % len(VICTIMS)]
    assert drawn.after >= 1, "in the middle, not before"


def test_every_word_is_known_and_no_answer_shares_one() -> None:
    words = [word for answer in ANSWERS for word in answer.split()]
    assert len(words) == len(set(words))
    vocabulary().say(" ".join(words))


def test_a_model_answers_what_is_next() -> None:
    first = model_reaction(case(), 0, said())
    second = model_reaction(case(), 1, said(ANSWERS[0]))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert ("".join(first.pieces), "".join(second.pieces)) == ANSWERS[:2]
    assert (first.fault, first.calls) == (None, ())


@pytest.mark.parametrize("repeats", [0, 2])
def test_another_model_goes_on_behind_what_was_said(repeats: int) -> None:
    words = ANSWERS[1].split()
    reaction = model_reaction(case(repeats=repeats, died=1), 1, said(ANSWERS[0], " ".join(words[:4])))
    assert isinstance(reaction, Answer)
    assert "".join(reaction.pieces).split() == words[4 - repeats :]


def test_models_die_in_their_order_in_the_turn_of_the_case() -> None:
    one = case(deaths=2, after=100)
    faults = []
    for rank in (0, 1, 2, 0):
        reaction = model_reaction(one, rank, said(ANSWERS[0]))
        assert isinstance(reaction, Answer)
        faults.append((reaction.fault is not None, reaction.fault_after < len(reaction.pieces)))
    assert faults == [(True, True), (True, True), (False, True), (False, True)]


def test_the_last_answer_ends_the_call_and_nothing_follows() -> None:
    last = model_reaction(case(), 0, said(*ANSWERS[:2]))
    assert isinstance(last, Answer)
    assert [call.name for call in last.calls] == ["end_call"]
    assert isinstance(model_reaction(case(), 0, said(*ANSWERS)), Refusal)


def test_only_the_first_voice_and_recogniser_die_and_only_as_victims() -> None:
    known = vocabulary()
    dying = case(victim="voice", fault="stall")
    assert voice(dying, "/v1/text-to-speech/first/x", known).fault is not None
    assert voice(dying, "/v1/text-to-speech/second/x", known).fault is None
    assert voice(case(), "/v1/text-to-speech/first/x", known).fault is None
    deaf = case(victim="recogniser", fault="stall")
    assert recogniser_reaction(deaf, "nova-3").fault is not None
    assert recogniser_reaction(deaf, "nova-2").fault is None
    assert recogniser_reaction(case(), "nova-3").fault is None
