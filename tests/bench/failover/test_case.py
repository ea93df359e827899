"""Who dies in which call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.failover.case import ANSWERS, KILLED, REFUSES, VICTIMS, draw, faults, number_of, vocabulary


@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(1, 3))
def test_a_case_follows_from_its_number_and_seed(number: int, seed: int, turns: int) -> None:
    drawn = draw(number, seed, turns)
    assert drawn == draw(number, seed, turns)
    assert drawn.victim == VICTIMS[number % len(VICTIMS)]
    assert drawn.fault in faults(drawn.victim)
    assert drawn.after >= 1, "in the middle, not before"
    assert 0 <= drawn.turn < turns
    assert drawn.deaths == 1 or (drawn.victim, drawn.fault) != ("model", KILLED)
    assert number_of(drawn.key) == number


@pytest.mark.parametrize("victim", VICTIMS)
def test_two_hundred_calls_have_every_fault(victim: str) -> None:
    drawn = {case.fault for case in (draw(number, 1) for number in range(200)) if case.victim == victim}
    assert drawn == set(faults(victim))
    assert {KILLED, REFUSES} < drawn


def test_every_word_is_known_and_no_answer_shares_one() -> None:
    words = [word for answer in ANSWERS for word in answer.split()]
    assert len(words) == len(set(words))
    for word in words:
        assert vocabulary().word(word, 240)


def test_a_key_of_somebody_else_s_is_no_call() -> None:
    with pytest.raises(ValueError, match="bench"):
        number_of("bench")
