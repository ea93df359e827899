"""The carrier's time from stamps and arrivals: delays, drift, and clocks that jump."""

from hypothesis import given
from hypothesis import strategies as st

from media.timeline import Timeline


@given(st.lists(st.integers(0, 60), min_size=30, max_size=60), st.integers(-10_000, 10_000))
def test_the_earliest_arrival_anchors_the_time(delays: list[int], zero_ms: int) -> None:
    timeline = Timeline()
    for index, delay in enumerate(delays):
        timeline.observe(index * 20, zero_ms + index * 20 + 20 + delay)
    now = zero_ms + len(delays) * 20 + 20 + min(delays)
    assert abs(timeline.at(now) - len(delays) * 20 - 20) <= 2
    assert abs(timeline.local(timeline.at(now)) - now) <= 1


def test_before_the_first_frame_there_is_no_time() -> None:
    assert not Timeline().started
    assert Timeline().at(123.0) == 0


def test_a_clock_that_goes_back_is_followed_at_once() -> None:
    timeline = Timeline()
    for index in range(50):
        timeline.observe(index * 20, 1_000_000 + index * 20 + 20)
    timeline.observe(1_000, 5_020)
    assert timeline.at(5_020) == 1_020


def test_a_clock_that_leaps_ahead_is_followed_within_seconds() -> None:
    """A machine that was suspended finds the carrier's stamps hours behind its own clock."""
    timeline = Timeline()
    for index in range(50):
        timeline.observe(index * 20, index * 20 + 20)
    for index in range(50, 260):
        timeline.observe(index * 20, 3_600_000 + index * 20 + 20)
    assert abs(timeline.at(3_600_000 + 260 * 20) - 260 * 20) <= 2


def test_a_late_burst_is_no_leap() -> None:
    timeline = Timeline()
    for index in range(300):
        late = 180 if 150 <= index < 200 else 0
        timeline.observe(index * 20, index * 20 + 20 + late)
    assert abs(timeline.at(300 * 20) - 300 * 20) <= 2
