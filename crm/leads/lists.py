"""Lists of leads and their search in the database, of the unit's organisation."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from crm.leads.filters import LeadFilters, Order, Search, Sort
from crm.leads.model import Lead
from crm.page_cursor import Cursor, after
from crm.tags.model import LeadTag
from crm.unit_of_work import UnitOfWork

SORTS: Final = {
    "created_at": Lead.created_at,
    "updated_at": Lead.updated_at,
    "name": Lead.name,
    "score": Lead.score,
    "status": Lead.status,
}
_SEARCH: Final = text(
    "SELECT search_leads(:words, :fields, :status, :pipeline, :owner_id, :before_at, :before_id, :most)"
).bindparams(bindparam("fields", type_=ARRAY(Text)))


class LeadLists:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def page(self, number: int, limit: int, sort: Sort, order: Order, filters: LeadFilters) -> Sequence[Lead]:
        """Return page `number`, from 1, of `limit` leads."""
        column = SORTS[sort]
        ordering = (column.asc(), Lead.id.asc()) if order == "asc" else (column.desc(), Lead.id.desc())
        statement = select(Lead).where(*self._conditions(filters)).order_by(*ordering)
        return (await self._session.scalars(statement.limit(limit).offset((number - 1) * limit))).all()

    async def count(self, filters: LeadFilters) -> int:
        statement = select(func.count()).select_from(Lead).where(*self._conditions(filters))
        return int((await self._session.execute(statement)).scalar_one())

    async def count_up_to(self, most: int, filters: LeadFilters) -> int:
        return int((await self._session.execute(self.counting(most, filters))).scalar_one())

    def counting(self, most: int, filters: LeadFilters) -> Select[int]:
        """Return what `count_up_to` asks of the database."""
        some = select(Lead.id).where(*self._conditions(filters)).limit(most).subquery()
        return select(func.count()).select_from(some)

    async def following(
        self, cursor: Cursor | None, most: int, sort: Sort, order: Order, filters: LeadFilters
    ) -> Sequence[Lead]:
        """Return at most so many leads after the cursor's; as dear at the list's end as at its beginning."""
        return (await self._session.scalars(self.listing(cursor, most, sort, order, filters))).all()

    def listing(self, cursor: Cursor | None, most: int, sort: Sort, order: Order, filters: LeadFilters) -> Select[Lead]:
        """Return what `following` asks of the database."""
        column, descending = SORTS[sort], order == "desc"
        ordering = (column.desc(), Lead.id.desc()) if descending else (column.asc(), Lead.id.asc())
        place = after(cursor, column.expression, Lead.id.expression, descending=descending)
        return select(Lead).where(*self._conditions(filters), *place).order_by(*ordering).limit(most)

    async def search(self, search: Search, cursor: Cursor | None, most: int, filters: LeadFilters) -> Sequence[Lead]:
        """Return at most so many leads that match, newest first, after the cursor's.

        Through search_leads, which runs as the owner: under row security no index would answer (see r0012).
        """
        asked = {
            "words": search.words,
            "fields": list(search.fields),
            "status": filters.status,
            "pipeline": filters.pipeline,
            "owner_id": filters.owner_id,
            "before_at": cursor.value if cursor is not None else None,
            "before_id": cursor.id if cursor is not None else None,
            "most": most,
        }
        found = (await self._session.scalars(_SEARCH, asked)).all()
        # Read under row security again: whatever the function found, only the organisation's own leads are shown.
        statement = select(Lead).where(Lead.org_id == self._org_id, Lead.id.in_(found))
        return (await self._session.scalars(statement.order_by(Lead.created_at.desc(), Lead.id.desc()))).all()

    def _conditions(self, filters: LeadFilters) -> list[ColumnElement[bool]]:
        equal: dict[str, Any] = {
            "status": filters.status,
            "pipeline": filters.pipeline,
            "owner_id": filters.owner_id,
            "email": filters.email,
            "phone": filters.phone,
            "do_not_call": filters.do_not_call,
        }
        conditions: list[ColumnElement[bool]] = [Lead.org_id == self._org_id]
        conditions += [getattr(Lead, name) == value for name, value in equal.items() if value is not None]
        if filters.score_min is not None:
            conditions.append(Lead.score >= filters.score_min)
        if filters.score_max is not None:
            conditions.append(Lead.score <= filters.score_max)
        if filters.created_from is not None:
            conditions.append(Lead.created_at >= filters.created_from)
        if filters.tag_id is not None:
            tagged = (LeadTag.org_id == self._org_id, LeadTag.tag_id == filters.tag_id, LeadTag.lead_id == Lead.id)
            conditions.append(exists().where(*tagged))
        if filters.created_before is not None:
            conditions.append(Lead.created_at < filters.created_before)
        return conditions
