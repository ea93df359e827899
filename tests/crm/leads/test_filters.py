"""What may be asked of the search."""

import pytest

from crm.leads.filters import LeadFilters, Search, check_search
from crm.refusals import Refusal


def faults(search: Search, filters: LeadFilters = LeadFilters(), sort: str = "created_at") -> list[str]:  # noqa: B008 - frozen
    try:
        check_search(search, filters, sort, "desc")  # type: ignore[arg-type]  # a name of the test's
    except Refusal as refusal:
        return [fault["field"] for fault in refusal.details["fields"]]
    return []


def test_what_can_be_answered() -> None:
    assert faults(Search("dana")) == []
    assert faults(Search("", ("city=Recife", "size==")), LeadFilters(status="novo", pipeline="x")) == []


@pytest.mark.parametrize("words", ["", "  ", "?!", "-"])
def test_a_search_for_nothing(words: str) -> None:
    assert faults(Search(words)) == ["query.q"]


@pytest.mark.parametrize("field", ["city", "=Recife", ""])
def test_a_field_is_named_with_its_value(field: str) -> None:
    assert faults(Search("", (field,))) == ["query.field"]


def test_what_does_not_go_with_a_search() -> None:
    assert faults(Search("dana"), LeadFilters(score_min=5)) == ["query"]
    assert faults(Search("dana"), sort="name") == ["query.sort"]
