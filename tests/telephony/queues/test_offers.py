"""Letters between calls and pages: they come back as they were, and garbage is one error."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ids import new_id
from telephony.queues import offers
from telephony.queues.offers import Answered, Letter, Offered, Settled, Unreadable, Withdrawn

ORG, USER, SEAT, CALL = (UUID(int=number) for number in range(1, 5))
LETTERS = (
    Offered(ORG, USER, SEAT, CALL, 1, "n1", new_id(), "Sam", "Bakery", "Sales", 20, 3),
    Withdrawn(ORG, USER, SEAT, CALL, 1, "taken", "Ada", rests=True),
    Answered(CALL, 1, ORG, USER, SEAT, "n2", "rep", None, accepts=True),
    Settled(ORG, USER, SEAT, CALL, 1, "a.b.c", "ws://x"),
)


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_comes_back_as_it_was(letter: Letter) -> None:
    assert offers.read(offers.write(letter)) == letter


@given(
    st.binary() | st.sampled_from([offers.write(letter) for letter in LETTERS]).map(lambda raw: raw[: len(raw) // 2])
)
def test_garbage_is_one_error(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        offers.read(raw)
