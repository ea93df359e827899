"""What is shed at which load, and which call is refused: tables, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.load import (
    BASE_USE,
    CALLS_UNREFUSED,
    COST_MAX,
    COST_MIN,
    FIRST_COST,
    STEPS,
    Gauge,
    Limits,
    Load,
    Reading,
    Shedding,
    shed,
)

LIMITS = Limits()
NOTHING, TAPS, WAVEFORMS, CALLS = Shedding


def settled(reading: Reading, times: int = 60) -> Gauge:
    """A gauge that has read the same for half a minute."""
    gauge = Gauge()
    for _ in range(times):
        gauge.take(reading)
    return gauge


def test_what_is_shed_goes_in_the_declared_order() -> None:
    entered = [STEPS[step][0] for step in (TAPS, WAVEFORMS, CALLS)]
    assert entered == sorted(entered)
    assert all(left < enter for enter, left in STEPS.values())
    assert STEPS[CALLS][0] == 1.0, "calls are refused where those in progress begin to suffer, not before"


@pytest.mark.parametrize(
    ("level", "before", "after"),
    [
        (0.0, NOTHING, NOTHING),
        (0.84, NOTHING, NOTHING),
        (0.85, NOTHING, TAPS),
        (0.80, TAPS, TAPS),
        (0.74, TAPS, NOTHING),
        (0.92, NOTHING, WAVEFORMS),
        (0.83, WAVEFORMS, WAVEFORMS),
        (0.81, WAVEFORMS, TAPS),
        (1.0, NOTHING, CALLS),
        (9.0, NOTHING, CALLS),
        (0.95, CALLS, CALLS),
        (0.89, CALLS, WAVEFORMS),
        (0.78, CALLS, TAPS),
        (0.5, CALLS, NOTHING),
    ],
)
def test_a_state_is_entered_high_and_left_low(level: float, before: Shedding, after: Shedding) -> None:
    assert shed(level, before) is after


@given(st.floats(0, 3), st.floats(0, 3), st.sampled_from(Shedding))
def test_a_higher_level_never_sheds_less(one: float, other: float, before: Shedding) -> None:
    low, high = sorted((one, other))
    assert shed(low, before) <= shed(high, before)


@pytest.mark.parametrize(
    ("reading", "level", "reason"),
    [
        (Reading(0.45, 0.45, 50), 0.5, "busy"),
        (Reading(0.1, 0.1, 50, lag_ms=LIMITS.lag_ms), 1.0, "lag"),
        (Reading(0.1, 0.1, 50, vad_ms=LIMITS.vad_ms * 2), 2.0, "vad"),
        (Reading(0.1, 0.1, 50, missed=LIMITS.missed), 1.0, "missed"),
        (Reading(0.1, 0.1, 50, underruns=LIMITS.underruns), 1.0, "underruns"),
    ],
)
def test_the_worst_share_is_the_level(reading: Reading, level: float, reason: str) -> None:
    load = settled(reading).load
    assert load.level == pytest.approx(level, rel=0.01)
    assert load.reason == reason


@pytest.mark.parametrize(
    "moment",
    [Reading(1.0, 1.0, 30), Reading(0.2, 0.2, 30, missed=0.8), Reading(0.2, 0.2, 30, underruns=0.08)],
    ids=["busy", "a stall of 0.4 s", "one gap among 25 calls"],
)
def test_one_bad_moment_is_no_load(moment: Reading) -> None:
    gauge = settled(Reading(0.2, 0.2, 30))
    assert gauge.take(moment).shedding is NOTHING


def test_a_call_costs_what_calls_here_have_cost() -> None:
    assert settled(Reading(0.5, BASE_USE + 0.5, 100)).cost == pytest.approx(0.005, rel=0.01)
    assert settled(Reading(0.5, 0.5, 7)).cost == FIRST_COST, "so few tell nothing"


@given(st.floats(0, 8), st.integers(0, 400))
def test_the_cost_stays_within_reason(used: float, calls: int) -> None:
    assert COST_MIN <= settled(Reading(min(used, 1.0), used, calls), 5).cost <= COST_MAX


@pytest.mark.parametrize(
    ("calls", "busy", "unmeasured", "refused"),
    [
        (100, 0.50, 0, False),
        (170, 0.85, 0, False),
        (170, 0.85, 8, False),  # 0.85 and nine at 0.005 make 0.895
        (170, 0.85, 12, True),  # the ringing ones will not fit
        (178, 0.89, 0, False),
        (180, 0.897, 0, True),
        (200, 1.0, 0, True),
        (20, 0.10, 200, True),  # a burst is refused before any of it is felt
        (20, 0.10, 140, False),
    ],
)
def test_a_call_is_judged_by_what_it_will_be_like_with_it(
    calls: int, busy: float, unmeasured: int, *, refused: bool
) -> None:
    gauge = settled(Reading(busy, BASE_USE + calls * 0.005, calls))
    assert gauge.refuses(calls + unmeasured, unmeasured) is refused


def test_the_first_calls_are_never_refused_for_load() -> None:
    """What loads a process with so few calls is not its calls."""
    gauge = settled(Reading(1.0, 0.01, 0, lag_ms=500))
    assert [gauge.refuses(calls, calls) for calls in range(CALLS_UNREFUSED + 1)] == [False] * CALLS_UNREFUSED + [True]


def test_once_refusing_it_goes_on_until_there_is_room_to_spare() -> None:
    gauge = settled(Reading(0.2, 0.2, 40, lag_ms=55))
    gauge.take(Reading(0.2, 0.2, 40, lag_ms=47))
    assert gauge.refuses(40, 0), "94 % of the limit: not yet"
    gauge.take(Reading(0.2, 0.2, 40, lag_ms=44))
    assert not gauge.refuses(40, 0)


@given(
    st.builds(
        Reading,
        busy=st.floats(0, 1),
        used=st.floats(0, 2),
        calls=st.integers(0, 300),
        lag_ms=st.floats(0, 200),
        vad_ms=st.floats(0, 200),
        missed=st.floats(0, 1),
        underruns=st.floats(0, 1),
    ),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_more_calls_never_make_room(reading: Reading, few: int, further: int) -> None:
    gauge = settled(reading, 5)
    assert gauge.with_more(few).level <= gauge.with_more(few + further).level
    assert gauge.with_more(0) == Load(gauge.load.level, gauge.load.reason, gauge.load.shedding)
