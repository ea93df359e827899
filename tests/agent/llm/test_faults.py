"""What a vendor's status and headers mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.faults import RETRY_AFTER_MAX_S, failure_of, refusal, retry_after_s
from agent.llm.port import Failure


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (401, Failure.REFUSED_KEY),
        (402, Failure.REFUSED_KEY),
        (403, Failure.REFUSED_KEY),
        (408, Failure.TIMEOUT),
        (422, Failure.REFUSED_REQUEST),
        (429, Failure.RATE_LIMITED),
        (502, Failure.UNAVAILABLE),
        (529, Failure.UNAVAILABLE),
        (302, Failure.UNAVAILABLE),
    ],
)
def test_each_status_has_its_kind(status: int, failure: Failure) -> None:
    assert failure_of(status) is failure
    error = refusal("acme", status, {"retry-after": "3"})
    assert (error.failure, error.retry_after_s) == (failure, 3)
    assert str(status) in str(error)


@given(st.text())
def test_whatever_a_vendor_says_of_waiting_is_a_sane_number_or_nothing(text: str) -> None:
    seconds = retry_after_s({"retry-after": text})
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_MAX_S


def test_a_vendor_cannot_lock_itself_out_for_days() -> None:
    assert retry_after_s({"retry-after": "864000"}) == RETRY_AFTER_MAX_S
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}) is None
    assert retry_after_s({}) is None
