"""The lag of a loop, counted tick by tick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.loop_lag import LAG_MS_MAX, Lag, LagMeter
from media.clock import TICK_S


def lag_of(moments: list[float]) -> Lag:
    """What a meter counts that ticks at these moments."""
    clock = iter(moments)
    meter = LagMeter(lambda: next(clock))
    for _ in moments:
        meter.tick()
    return Lag.from_counts(meter.counts())


def test_a_late_tick_counts_once_and_the_next_one_is_due_on_the_same_grid() -> None:
    assert lag_of([1.0, 1.02, 1.0455, 1.06]).values() == [0, 0, 0, 5]


def test_after_a_stall_the_grid_begins_anew() -> None:
    assert lag_of([1.0, 1.3205, 1.3405]).values() == [0, 0, 300]
    assert lag_of([1.0, 99.0]).values() == [0, LAG_MS_MAX]


@given(st.lists(st.floats(0, 3, allow_nan=False), max_size=50))
def test_every_tick_counts_and_a_window_is_what_came_since(steps: list[float]) -> None:
    moments = [1.0]
    for step in steps:
        moments.append(moments[-1] + TICK_S * step)
    whole, half = lag_of(moments), lag_of(moments[: len(moments) // 2])
    assert len(whole.values()) == len(moments)
    assert len(whole.since(half).values()) == len(moments) - len(moments) // 2


@pytest.mark.parametrize("counts", [["1"], [-1], [0.5], [0] * (LAG_MS_MAX + 2)])
def test_what_is_no_list_of_counts_is_refused(counts: list[object]) -> None:
    with pytest.raises(ValueError, match="lag_ms"):
        Lag.from_counts(counts)
