"""Percentiles of the newest values, and counts by bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.measures import Histogram, Recent

NUMBERS = st.floats(-1e6, 1e6)


def test_nothing_measured_is_zero() -> None:
    recent = Recent(4)
    assert (len(recent), recent.share(0.95), recent.most()) == (0, 0.0, 0.0)


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.integers(1, 20), st.floats(0, 1))
def test_a_share_is_one_of_the_newest_values_and_not_exceeded_by_that_share(
    values: list[float], kept: int, share: float
) -> None:
    recent = Recent(kept)
    for value in values:
        recent.add(value)
    newest = values[-kept:]
    found = recent.share(share)
    assert found in newest
    assert sum(value <= found for value in newest) >= share * len(newest)
    assert recent.most() == max(newest)


@given(st.lists(NUMBERS, max_size=60))
def test_each_value_is_counted_once_below_its_bound(values: list[float]) -> None:
    histogram = Histogram((0.5, 1, 100))
    for value in values:
        histogram.add(value)
    rows = histogram.cumulative()
    assert [bound for bound, _ in rows] == ["0.5", "1", "100", "+Inf"]
    assert [count for _, count in rows] == [
        *(sum(value <= bound for value in values) for bound in (0.5, 1, 100)),
        len(values),
    ]
    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(sum(values))


@pytest.mark.parametrize("bounds", [(), (2, 1), (1, 1)])
def test_bounds_that_do_not_rise_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Histogram(bounds)


def test_a_measure_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Recent(0)
