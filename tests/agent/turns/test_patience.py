"""What a caller who says nothing hears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import EventName
from agent.turns.patience import Patience
from events.call import Outcome


@pytest.mark.parametrize(
    ("prompts", "steps"),
    [
        (1, [EventName.SILENCE, EventName.SILENCE_END]),
        (2, [EventName.SILENCE, EventName.SILENCE_OFFER, EventName.SILENCE_END]),
        (3, [EventName.SILENCE, EventName.SILENCE, EventName.SILENCE_OFFER, EventName.SILENCE_END]),
    ],
)
def test_each_silence_is_met_by_the_next_step(prompts: int, steps: list[EventName]) -> None:
    patience = Patience(prompts)
    assert [patience.tried() for _ in steps] == steps
    assert patience.outcome is Outcome.NO_RESPONSE
    assert patience.tried() is EventName.SILENCE_END


@given(st.integers(1, 4), st.lists(st.booleans(), max_size=30))
def test_it_is_over_only_after_silences_in_a_row(prompts: int, story: list[bool]) -> None:
    patience, in_a_row = Patience(prompts), 0
    for silent in story:
        if silent:
            patience.tried()
            in_a_row += 1
        else:
            patience.renew()
            in_a_row = 0
        assert (patience.outcome is not None) == patience.over == (in_a_row > prompts)


def test_no_prompt_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="prompts"):
        Patience(0)
