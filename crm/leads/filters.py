"""Which leads a list is of, and in which order. Sans-I/O."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from crm.refusals import Refusal

Sort = Literal["created_at", "updated_at", "name", "score", "status"]
Order = Literal["asc", "desc"]

FIELDS_MAX: Final = 20
_ASKS: Final = re.compile("[=<>]")


@dataclass(frozen=True, slots=True)
class LeadFilters:
    """What is None filters nothing."""

    status: str | None = None
    pipeline: str | None = None
    owner_id: UUID | None = None
    email: str | None = None  # lower case
    phone: str | None = None  # E.164
    do_not_call: bool | None = None
    score_min: int | None = None
    score_max: int | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    tag_id: UUID | None = None

    def within(self, pipeline: str, status: str) -> "LeadFilters":
        """Return the same of one stage only."""
        return replace(self, pipeline=pipeline, status=status)


@dataclass(frozen=True, slots=True)
class Search:
    """Words that begin the lead's own, and custom fields as they are kept; all of them are to be found."""

    words: str = ""
    fields: tuple[str, ...] = ()  # such as "city=Recife"


def check_search(search: Search, filters: LeadFilters, sort: Sort, order: Order) -> None:
    """Make sure that the search can be answered by its one function.

    Raises:
        Refusal: `invalid_request`, naming what does not go together.
    """
    faults = []
    if not search.fields and not any(letter.isalnum() for letter in search.words):
        faults.append({"field": "query.q", "fault": "must hold a letter or a digit"})
    if (sort, order) != ("created_at", "desc"):
        faults.append({"field": "query.sort", "fault": "a search is answered newest first: leave sort and order out"})
    if filters != LeadFilters(status=filters.status, pipeline=filters.pipeline, owner_id=filters.owner_id):
        faults.append({"field": "query", "fault": "with q or field only status, pipeline and owner_id filter"})
    if len(search.fields) > FIELDS_MAX or not all(_ASKS.search(field, 1) for field in search.fields):
        told = f"must be NAME=VALUE, or NAME>=VALUE and the like of numbers and days; at most {FIELDS_MAX} of them"
        faults.append({"field": "query.field", "fault": told})
    if faults:
        raise Refusal("invalid_request", {"fields": faults})
