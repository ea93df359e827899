"""Pages of a list by the place of the last row shown: stable under ties, and whatever is put in or taken out between.

A cursor is opaque to clients: the sort it belongs to, the row's value in it, and the row's id for ties. It is not
signed: altered, it starts elsewhere in what its reader may read anyway.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, tuple_

from crm.refusals import Refusal

CURSOR_CHARS_MAX: Final = 1_000
# A longer text is no sort key: an index entry would not hold it either.
VALUE_CHARS_MAX: Final = 300
# What Postgres keeps in a bigint.
INT_MAX: Final = 2**63 - 1

_UNKEPT: Final = re.compile("[\x00\ud800-\udfff]")

Value = str | int | float | datetime
T = TypeVar("T")


class BadCursor(Refusal):
    """Not one of ours, or of a list in another order."""

    def __init__(self) -> None:
        fault = "is no cursor of this list in this order: take `next` of the page before, or leave it out"
        super().__init__("invalid_request", {"fields": [{"field": "query.cursor", "fault": fault}]})


@dataclass(frozen=True, slots=True)
class Cursor:
    sort: str  # name and direction, such as "-created_at"; the list's own
    value: Value  # never null: what is sorted by has a value in each row
    id: UUID


def encode(cursor: Cursor) -> str:
    """Return what a client sends back."""
    value = cursor.value
    kind, plain = ("t", value.isoformat()) if isinstance(value, datetime) else ("v", value)
    told = json.dumps([cursor.sort, kind, plain, cursor.id.hex], separators=(",", ":"), allow_nan=False)
    return base64.urlsafe_b64encode(told.encode()).rstrip(b"=").decode()


def decode(text: str, sort: str, kind: type[Value]) -> Cursor:
    """Return the cursor of a list that is sorted by `sort`, a value of `kind`.

    Raises:
        BadCursor: for anything else, whatever it is.
    """
    if len(text) > CURSOR_CHARS_MAX:
        raise BadCursor
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, mark, plain, id_hex = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        value = datetime.fromisoformat(plain) if mark == "t" else plain
        cursor = Cursor(found, value, UUID(hex=id_hex))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BadCursor from None
    if cursor.sort != sort or not _fits(cursor.value, kind):
        raise BadCursor
    return cursor


def after(
    cursor: Cursor | None, value: ColumnElement[Any], row_id: ColumnElement[Any], *, descending: bool
) -> list[ColumnElement[bool]]:
    """Return the conditions of a page that follows; none for the first page. Order by both columns, the same way."""
    if cursor is None:
        return []
    place, last = tuple_(value, row_id), (cursor.value, cursor.id)
    return [place < last if descending else place > last]


def cut(rows: Sequence[T], limit: int, place: Callable[[T], Cursor]) -> tuple[Sequence[T], str | None]:
    """Return a page of `limit` rows, of `limit` + 1 that were asked for, and the cursor of the next page, if any."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, encode(place(page[-1]))


def _fits(value: object, kind: type[Value]) -> bool:
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    match value:
        case str():
            # Postgres keeps no NUL, and no half of a surrogate pair.
            return len(value) <= VALUE_CHARS_MAX and not _UNKEPT.search(value)
        case int():
            return abs(value) <= INT_MAX
        case datetime():
            return value.tzinfo is not None
        case _:
            return value == value
