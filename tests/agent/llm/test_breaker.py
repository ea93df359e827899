"""When a provider is asked, when it is left alone, and when it is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.breaker import (
    FAILURES_MAX,
    OPEN_MAX_S,
    OPEN_S,
    RATE_LIMITED_S,
    REFUSED_KEY_S,
    TRIAL_S,
    Breaker,
    State,
)
from agent.llm.port import Failure


def opened(now_s: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        assert breaker.admit(now_s)
        breaker.failed(Failure.UNAVAILABLE, now_s)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not_let_them() -> None:
    breaker = Breaker()
    for _ in range(5):
        for _ in range(FAILURES_MAX - 1):
            breaker.failed(Failure.TIMEOUT, 0.0)
        assert breaker.admit(0.0)
        breaker.succeeded()
    assert not opened(0.0).admit(OPEN_S - 0.01)


def test_one_request_alone_finds_out_whether_it_is_back() -> None:
    breaker = opened()
    later_s = 100.0 + OPEN_S
    assert breaker.admit(later_s)
    assert not breaker.admit(later_s)
    breaker.succeeded()
    assert breaker.admit(later_s)
    assert breaker.state is State.CLOSED


def test_each_failed_trial_doubles_the_wait_up_to_a_limit() -> None:
    breaker, now_s, waits = opened(0.0), 0.0, []
    for _ in range(8):
        started_s = now_s
        while not breaker.admit(now_s):
            now_s += 1
        waits.append(now_s - started_s)
        breaker.failed(Failure.UNAVAILABLE, now_s)
    assert waits[:3] == [OPEN_S, 2 * OPEN_S, 4 * OPEN_S]
    assert max(waits) == OPEN_MAX_S
    assert breaker.admit(now_s + OPEN_MAX_S)
    breaker.succeeded()
    for _ in range(FAILURES_MAX):
        breaker.failed(Failure.UNAVAILABLE, now_s)
    assert breaker.admit(now_s + OPEN_S), "it counts anew after a success"


def test_a_trial_that_nobody_waited_for_leaves_the_next_request_to_try() -> None:
    breaker = opened(0.0)
    assert breaker.admit(OPEN_S)
    breaker.abandoned()
    assert breaker.admit(OPEN_S)
    assert not breaker.admit(OPEN_S)
    assert breaker.admit(OPEN_S + TRIAL_S), "a trial that never came back"


@pytest.mark.parametrize(
    ("failure", "retry_after_s", "shut_s"),
    [
        (Failure.RATE_LIMITED, None, RATE_LIMITED_S),
        (Failure.RATE_LIMITED, 42.0, 42.0),
        (Failure.REFUSED_KEY, None, REFUSED_KEY_S),
    ],
)
def test_some_failures_tell_at_once(failure: Failure, retry_after_s: float | None, shut_s: float) -> None:
    breaker = Breaker()
    breaker.failed(failure, 5.0, retry_after_s)
    assert not breaker.admit(5.0 + shut_s - 0.01)
    assert breaker.admit(5.0 + shut_s)


def test_a_late_failure_does_not_shorten_what_an_earlier_one_found() -> None:
    breaker = Breaker()
    breaker.failed(Failure.RATE_LIMITED, 0.0, 100.0)
    breaker.failed(Failure.RATE_LIMITED, 1.0, 2.0)
    assert not breaker.admit(50.0)


def test_a_refused_request_is_not_the_provider_s_fault() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.failed(Failure.REFUSED_REQUEST, 0.0)
    assert breaker.admit(0.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "ok", "left", *Failure]), st.floats(0, 30, allow_nan=False)), max_size=60
    )
)
def test_it_never_stays_shut_for_good_and_never_lets_two_try(steps: list[tuple[str, float]]) -> None:
    breaker, now_s = Breaker(), 0.0
    for step, later_s in steps:
        now_s += later_s
        match step:
            case "ask":
                was = breaker.state
                if breaker.admit(now_s) and was is not State.CLOSED:
                    assert not breaker.admit(now_s)
            case "ok":
                breaker.succeeded()
            case "left":
                breaker.abandoned()
            case _:
                breaker.failed(Failure(step), now_s)
    assert breaker.admit(now_s + max(OPEN_MAX_S, REFUSED_KEY_S, TRIAL_S))
