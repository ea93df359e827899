"""Cursors: what is encoded comes back, what is not ours is refused, and pages neither repeat nor leave out a row."""

import base64
import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.database import Sessions
from crm.leads.model import Lead
from crm.page_cursor import VALUE_CHARS_MAX, BadCursor, Cursor, Value, after, cut, decode, encode
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org

VALUES = (
    st.text(
        st.characters(codec="utf-8", exclude_characters="\x00"), max_size=VALUE_CHARS_MAX // 12
    )  # a character may take twelve in JSON
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
)


@given(VALUES, st.uuids())
def test_what_is_encoded_comes_back(value: Value, row_id: UUID) -> None:
    cursor = Cursor("-created_at", value, row_id)
    text = encode(cursor)
    assert decode(text, "-created_at", type(value)) == cursor
    assert text.isascii()
    assert not set(text) & set("+/=&?#%")


@given(st.text() | st.binary().map(lambda junk: base64.urlsafe_b64encode(junk).decode()))
def test_whatever_is_sent_there_are_two_outcomes(text: str) -> None:
    with contextlib.suppress(BadCursor):
        assert decode(text, "name", str).sort == "name"


def test_the_refusal_names_the_field() -> None:
    (field,) = BadCursor().details["fields"]
    assert field["field"] == "query.cursor"


def made(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 5_000,
        made(),
        made("name", "v", "Ada"),
        made("score", "v", "Ada", "0" * 32),
        made("name", "v", 7, "0" * 32),
        made("name", "v", True, "0" * 32),
        made("name", "v", None, "0" * 32),
        made("name", "v", "a\x00b", "0" * 32),
        made("name", "v", "\ud800", "0" * 32),
        made("name", "v", "Ada", "nobody"),
        made("name", "v", "Ada", 7),
        made("name", "t", "2026-01-01T00:00:00+00:00", "0" * 32),
        made("name", "t", "soon", "0" * 32),
    ],
)
def test_what_is_no_cursor_of_this_list_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        decode(text, "name", str)


@pytest.mark.parametrize(("plain", "kind"), [(2**63, int), (float("nan"), float), (True, int)])
def test_a_number_that_a_column_cannot_hold_is_refused(plain: object, kind: type[Value]) -> None:
    with pytest.raises(BadCursor):
        decode(made("score", "v", plain, "0" * 32), "score", kind)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadCursor):
        decode(made("at", "t", "2026-01-01T00:00:00", "0" * 32), "at", datetime)


@dataclass(frozen=True)
class Row:
    score: int
    id: UUID


@given(st.lists(st.tuples(st.integers(0, 3), st.uuids()), unique_by=lambda row: row[1]), st.integers(1, 5))
def test_pages_of_a_list_with_ties_are_the_list(rows: list[tuple[int, UUID]], limit: int) -> None:
    rest = sorted((Row(*row) for row in rows), key=lambda row: (row.score, row.id))
    seen: list[Row] = []
    while True:
        page, following = cut(rest[: limit + 1], limit, lambda row: Cursor("score", row.score, row.id))
        seen += page
        if following is None:
            break
        assert len(page) == limit
        place = decode(following, "score", int)
        rest = [row for row in rest if (row.score, row.id) > (place.value, place.id)]
    assert seen == sorted(seen, key=lambda row: (row.score, row.id))
    assert {(row.score, row.id) for row in seen} == set(rows)


@pytest.mark.parametrize("descending", [False, True])
async def test_rows_put_in_and_taken_out_between_pages_move_no_other(
    descending: bool, sessions: Sessions, org: Org
) -> None:
    """As Postgres compares them: all the scores are alike, so that the id alone tells the rows apart."""
    leads = [Lead(org_id=org.id, id=new_id(), name="x", score=7) for _ in range(7)]
    order = (Lead.score.desc(), Lead.id.desc()) if descending else (Lead.score.asc(), Lead.id.asc())
    seen: list[UUID] = []
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.delete(await unit.session.get_one(Lead, (org.id, org.lead_id)))
        unit.session.add_all(leads)
        await unit.session.flush()
        cursor: Cursor | None = None
        while True:
            place = after(cursor, Lead.score.expression, Lead.id.expression, descending=descending)
            found = (await unit.session.scalars(select(Lead).where(*place).order_by(*order).limit(3))).all()
            page, following = cut(found, 2, lambda lead: Cursor("score", lead.score, lead.id))
            seen += [lead.id for lead in page]
            if following is None:
                break
            cursor = decode(following, "score", int)
            # One that was shown goes, and one comes where we have been.
            await unit.session.delete(page[0])
            unit.session.add(Lead(org_id=org.id, id=new_id(), name="new", score=9 if descending else 1))
            await unit.session.flush()
    assert seen == sorted((lead.id for lead in leads), reverse=descending)
