"""Waiting after wrong passwords, and the lock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.identity.lockout import FORGOTTEN_AFTER, LOCKED_FOR, TRY_LASTS, Attempts, Wait, ask, failed

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def begun(attempts: Attempts, now: datetime, most: int) -> Attempts:
    answer = ask(attempts, now, most)
    assert isinstance(answer, Attempts)
    return answer


@pytest.mark.parametrize("most", range(5, 11))
def test_one_waits_1_2_4_seconds_and_so_on_and_then_15_minutes(most: int) -> None:
    attempts, now, waits = Attempts(), NOW, []
    for _ in range(most):
        attempts = failed(begun(attempts, now, most), now, most)
        answer = ask(attempts, now, most)
        assert isinstance(answer, Wait)
        waits.append((answer.until - now) / SECOND)
        # A moment too early is too early.
        assert isinstance(ask(attempts, answer.until - timedelta(microseconds=1), most), Wait)
        now = answer.until
    assert waits == [*(2**number for number in range(most - 1)), LOCKED_FOR / SECOND]
    assert begun(attempts, now, most) == Attempts(trying=1, tried_at=now), "the lock is over, and all is forgotten"


def test_tries_at_the_same_moment_are_not_more_guesses() -> None:
    attempts, let_in = Attempts(), 0
    for _ in range(100):
        answer = ask(attempts, NOW, 5)
        if isinstance(answer, Attempts):
            attempts, let_in = answer, let_in + 1
        else:
            assert answer.crowded
            assert not answer.locked
    assert let_in == 5
    for _ in range(let_in):
        attempts = failed(attempts, NOW, 5)
    answer = ask(attempts, NOW, 5)
    assert isinstance(answer, Wait)
    assert answer.locked
    assert attempts.trying == 0


def test_what_was_long_ago_is_forgotten() -> None:
    attempts = failed(begun(Attempts(), NOW, 5), NOW, 5)
    assert begun(attempts, NOW + FORGOTTEN_AFTER, 5).failures == 1
    assert begun(attempts, NOW + FORGOTTEN_AFTER + SECOND, 5).failures == 0


def test_a_try_whose_process_died_is_forgotten() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts = begun(attempts, NOW, 5)
    assert isinstance(ask(attempts, NOW + TRY_LASTS, 5), Wait)
    assert begun(attempts, NOW + TRY_LASTS + SECOND, 5).trying == 1


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(5, 10))
def test_nobody_guesses_more_often_than_allowed_before_a_lock(gaps_s: list[int], most: int) -> None:
    """Whenever tries come, so many wrong ones at most are decided between two locks."""
    attempts, now, wrong = Attempts(), NOW, 0
    for gap_s in gaps_s:
        now += SECOND * gap_s
        answer = ask(attempts, now, most)
        if isinstance(answer, Wait):
            assert answer.until > now
            continue
        wrong = wrong + 1 if answer.failures else 1
        assert wrong <= most
        attempts = failed(answer, now, most)
        assert (attempts.locked_until is not None) == (attempts.failures >= most)
