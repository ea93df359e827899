"""Who rings us, whatever the carrier says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.phone_numbers.callers import caller_number


@pytest.mark.parametrize("said", ["+12025550143", " +12025550143 ", "+1 202 555 0143"])
def test_a_number_is_taken_in_its_one_form(said: str) -> None:
    assert caller_number(said) == "+12025550143"


@pytest.mark.parametrize(
    "said", ["", "anonymous", "Restricted", "+266696687", "+7378742833", "+2562533", "client:alice", "sip:a@b.example"]
)
def test_a_number_that_was_withheld_is_none(said: str) -> None:
    assert caller_number(said) == ""


@given(st.text(max_size=40) | st.from_regex(r"\+\d{1,18}", fullmatch=True))
def test_whatever_is_said_comes_to_a_number_or_to_none(said: str) -> None:
    found = caller_number(said)
    assert found == "" or (found.startswith("+") and found[1:].isdecimal() and caller_number(found) == found)
