"""If-Match against what is there."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.problems import KINDS
from crm.refusals import Refusal
from crm.versions import Precondition, VersionChanged, etag_of, parse, precondition_of


@given(st.integers(0, 2**63))
def test_what_was_read_may_be_changed_until_somebody_did(version: int) -> None:
    condition = parse(etag_of(version))
    condition.check(version)
    with pytest.raises(VersionChanged) as refused:
        condition.check(version + 1)
    assert refused.value.details == {"version": version + 1}
    assert KINDS[refused.value.code].status == 412


@pytest.mark.parametrize("header", ['"1", "3"', ' "3" ,"x"', "*", " * "])
def test_one_of_several_will_do(header: str) -> None:
    parse(header).check(3)


def test_a_request_that_asks_nothing_changes_any_version() -> None:
    assert precondition_of(None) == Precondition(None)
    precondition_of(None).check(9)
    with pytest.raises(VersionChanged):
        precondition_of('"8"').check(9)


def test_a_weak_tag_matches_nothing() -> None:
    with pytest.raises(VersionChanged):
        parse('W/"3"').check(3)


@pytest.mark.parametrize("header", ["", "3", '"3', '3"', '"3" "4"', '"3",', 'w/"3"', '"3\x00"', '"' * 501])
def test_what_is_no_list_of_tags_is_refused_by_name(header: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse(header)
    assert refused.value.code == "invalid_request"
    assert refused.value.details["fields"][0]["field"] == "header.if-match"


@given(st.text())
def test_whatever_is_sent_there_are_two_outcomes(header: str) -> None:
    with contextlib.suppress(Refusal):
        assert (parse(header).tags is None) == (header.strip() == "*")
