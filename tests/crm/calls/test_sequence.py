"""Where an event stands among those applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.calls.sequence import Place, place

PLACES = st.tuples(st.integers(1, 4), st.integers(1, 6))


@pytest.mark.parametrize(
    ("applied", "event", "expected"),
    [
        ((0, 0), (1, 1), Place.NEXT),
        ((0, 0), (1, 2), Place.GAP),
        ((1, 4), (1, 5), Place.NEXT),
        ((1, 4), (1, 4), Place.DUPLICATE),
        ((1, 4), (1, 1), Place.DUPLICATE),
        ((1, 4), (1, 6), Place.GAP),
        ((1, 4), (2, 1), Place.NEXT),
        ((1, 4), (1000, 1), Place.NEXT),
        ((1, 4), (2, 2), Place.GAP),
        ((2, 1), (1, 5), Place.STALE),
    ],
)
def test_place(applied: tuple[int, int], event: tuple[int, int], expected: Place) -> None:
    assert place(applied, event) is expected


@given(st.lists(PLACES, max_size=60))
def test_applied_events_only_rise_and_never_skip(arrivals: list[tuple[int, int]]) -> None:
    """Whatever comes in whatever order, what is applied is 1, 2, 3… within rising epochs."""
    applied = (0, 0)
    for event in arrivals:
        if place(applied, event) is Place.NEXT:
            assert event > applied
            assert event[1] == (applied[1] + 1 if event[0] == applied[0] else 1)
            applied = event
