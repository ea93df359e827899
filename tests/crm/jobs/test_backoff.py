"""Waiting between tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.jobs.backoff import FIRST_S, LONGEST_S, tries_within, wait_s


@given(st.integers(1, 10_000))
def test_each_wait_is_at_least_the_last_and_bounded(failures: int) -> None:
    assert FIRST_S <= wait_s(failures) <= wait_s(failures + 1) <= LONGEST_S


def test_what_has_not_failed_does_not_wait() -> None:
    with pytest.raises(ValueError, match="has not failed"):
        wait_s(0)


@given(st.integers(1, 10 * 86_400))
def test_the_last_try_is_when_the_time_has_passed(seconds: int) -> None:
    tries = tries_within(seconds)
    waited = [wait_s(number) for number in range(1, tries)]
    assert sum(waited[:-1]) < seconds <= sum(waited)
