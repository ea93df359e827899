"""When a webhook is held back, and for how long."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from crm.webhooks.slowness import PAUSE_FIRST, PAUSE_LONGEST, SLOW_S, SLOW_TRIES, SPREAD_S, after_posting, comes_again

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HANGS_S = 15.0


def test_a_server_that_hangs_is_left_alone_longer_and_longer() -> None:
    tries, held = 0, None
    pauses = []
    for _ in range(12):
        tries, held = after_posting(tries, HANGS_S, NOW, answered=False)
        pauses.append(held - NOW if held is not None else None)
    minutes = [None, None, *(timedelta(minutes=count) for count in (1, 2, 4, 8, 16)), *[PAUSE_LONGEST] * 5]
    assert pauses == minutes


def test_one_that_answers_late_is_posted_to_one_at_a_time_without_a_pause() -> None:
    assert after_posting(SLOW_TRIES + 5, HANGS_S, NOW, answered=True) == (SLOW_TRIES + 6, None)


@given(st.integers(0, 10**6), st.floats(0, 100), st.booleans())
def test_a_quick_answer_ends_it_and_no_pause_is_longer_than_the_longest(
    tries: int, took_s: float, answered: bool
) -> None:
    after, held = after_posting(tries, took_s, NOW, answered=answered)
    assert after == (0 if took_s < SLOW_S else tries + 1)
    assert held is None or (after >= SLOW_TRIES and PAUSE_FIRST <= held - NOW <= PAUSE_LONGEST)


@given(st.uuids())
def test_what_was_held_back_comes_spread(delivery_id: UUID) -> None:
    assert timedelta(0) <= comes_again(NOW, delivery_id) - NOW < timedelta(seconds=SPREAD_S)
