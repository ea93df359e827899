"""What is sent to a telephone stays in step with its clock, however the two clocks and the network go."""

from hypothesis import given
from hypothesis import strategies as st

from media.far_pace import LAG_MAX_MS, LEAD_MAX_MS, FarPace
from media.frame import FRAME_MS


def test_nothing_is_sent_before_the_far_end_is_there() -> None:
    pace = FarPace()
    assert not pace.lets_pass()
    pace.heard(0)
    assert pace.lets_pass()


def test_frame_by_frame_all_pass() -> None:
    pace = FarPace()
    for number in range(1_000):
        pace.heard(number * FRAME_MS)
        assert pace.lets_pass()


def test_a_burst_goes_so_far_ahead_and_no_further_and_a_stall_is_not_made_up_for() -> None:
    pace = FarPace()
    pace.heard(0)
    assert [pace.lets_pass() for _ in range(20)] == [True] * (LEAD_MAX_MS // FRAME_MS) + [False] * 10
    pace.heard(10_000)
    assert [pace.lets_pass() for _ in range(20)].count(True) == LEAD_MAX_MS // FRAME_MS


@given(st.lists(st.one_of(st.none(), st.integers(0, 100_000)), max_size=300))
def test_what_is_on_its_way_is_bounded(steps: list[int | None]) -> None:
    """None: we send; a number: a frame of theirs, stamped so, in any order."""
    pace, far_ms, sent_ms = FarPace(), -1, 0
    for step in steps:
        if step is not None:
            far_ms = max(far_ms, step + FRAME_MS) if far_ms >= 0 else step + FRAME_MS
            pace.heard(step)
            sent_ms = max(sent_ms, far_ms)  # what is late is played at once
        elif pace.lets_pass():
            assert far_ms >= 0
            sent_ms += FRAME_MS
        assert sent_ms - max(far_ms, 0) <= LEAD_MAX_MS + LAG_MAX_MS
