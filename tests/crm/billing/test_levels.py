"""Which level of used credits is reached, and whether it is told again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.billing.levels import LEVELS, PERIOD, is_due, level_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("available", "level"),
    [(1_000, None), (201, None), (200, 80), (51, 80), (50, 95), (0, 95), (-5, 95), (2_000, None)],
)
def test_levels_are_reached_exactly(available: int, level: int | None) -> None:
    assert level_of(1_000, available) == level


def test_nothing_was_ever_there() -> None:
    assert level_of(0, 0) is None


@given(st.integers(1, 10**15), st.integers(0, 10**15))
def test_less_is_never_a_lower_level(base: int, available: int) -> None:
    assert (level_of(base, available) or 0) <= (level_of(base, max(0, available - 1)) or 0)


def test_each_level_once_a_period_and_the_lower_not_behind_the_higher() -> None:
    low, high = LEVELS
    assert is_due(low, {}, NOW)
    assert not is_due(low, {low: NOW - PERIOD + MINUTE}, NOW)
    assert is_due(high, {low: NOW - MINUTE}, NOW)
    assert not is_due(low, {high: NOW - MINUTE}, NOW)
    assert is_due(low, {low: NOW - PERIOD, high: NOW - PERIOD}, NOW)
