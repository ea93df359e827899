"""How far behind a replica is."""

from hypothesis import given
from hypothesis import strategies as st

from crm.lag import MARKS_MAX, Lag


def test_what_is_not_replayed_yet_is_as_old_as_when_it_was_seen() -> None:
    lag = Lag()
    assert lag.behind_s(0, 0) == 0, "nothing was ever seen"
    lag.note(1, 100)
    lag.note(2, 200)
    lag.note(3, 200)  # nothing was written
    assert lag.behind_s(3, 99) == 2
    assert lag.behind_s(3, 100) == 1
    assert lag.behind_s(4, 150) == 2
    assert lag.behind_s(1_000, 200) == 0, "where nothing is written nobody is behind"
    lag.note(1_001, 300)
    assert lag.behind_s(1_001.5, 200) == 0.5


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 100), st.integers(0, 100)), max_size=MARKS_MAX + 50))
def test_it_is_never_negative_and_whoever_has_all_is_not_behind(steps: list[tuple[float, int, int]]) -> None:
    lag, now, end = Lag(), 0.0, 0
    for passed, written, missing in steps:
        now, end = now + passed, end + written
        lag.note(now, end)
        assert 0 <= lag.behind_s(now, max(0, end - missing)) <= now
        assert lag.behind_s(now, end) == 0
