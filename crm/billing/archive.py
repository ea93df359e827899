"""Postings that were put away because they are older than a year: moved by a job, read by month.

In their place stands one posting of the kind `carried` for each batch, with their sums: balances and their replay hold
as before.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text

from crm.billing.model import AccountKind, ArchivedTransaction
from crm.billing.statement import EXPORT_PAGE, SORT, Line, by_page
from crm.page_cursor import Cursor, after, cut, decode
from crm.unit_of_work import UnitOfWork

BATCH: Final = 2_000  # what one statement moves well within its time
_PUT_AWAY: Final = text("SELECT ledger_put_away(:before, :most)")


def put_away_before(now: datetime) -> datetime:
    """Return the moment before which postings are put away: whole months (UTC) that ended a year ago or more."""
    return datetime(now.year - 1, now.month, 1, tzinfo=UTC)


def month_after(month: date) -> date:
    """Return the first day of the month that follows."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


async def put_away(before: datetime, unit: UnitOfWork) -> int:
    """Put a batch away, the oldest first, in the caller's transaction; return how many postings it was.

    Raises:
        sqlalchemy.exc.IntegrityError: `before` is not a year ago.
    """
    return int(await unit.session.scalar(_PUT_AWAY, {"before": before, "most": BATCH}) or 0)


class ArchiveStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def newest_at(self) -> datetime | None:
        """Return when the newest posting was made that is put away; None: none is."""
        return await self._session.scalar(
            select(func.max(ArchivedTransaction.at)).where(ArchivedTransaction.org_id == self._org_id)
        )

    async def oldest_at(self) -> datetime | None:
        return await self._session.scalar(
            select(func.min(ArchivedTransaction.at)).where(ArchivedTransaction.org_id == self._org_id)
        )

    async def page(self, month: date, limit: int, cursor: Cursor | None = None) -> Sequence[Line]:
        """Return at most so many postings of a month behind the cursor's, newest first."""
        of_month = (
            ArchivedTransaction.at >= _begin(month),
            ArchivedTransaction.at < _begin(month_after(month)),
            *after(cursor, ArchivedTransaction.at.expression, ArchivedTransaction.id.expression, descending=True),
        )
        return await self._lines(limit, *of_month)

    async def of_call(self, call_id: UUID, limit: int) -> Sequence[Line]:
        return await self._lines(limit, ArchivedTransaction.call_id == call_id)

    async def _lines(self, limit: int, *conditions: object) -> Sequence[Line]:
        chosen = select(ArchivedTransaction).where(ArchivedTransaction.org_id == self._org_id, *conditions)  # type: ignore[arg-type]  # conditions are what columns compare to
        newest = chosen.order_by(ArchivedTransaction.at.desc(), ArchivedTransaction.id.desc()).limit(limit)
        return [_line(row) for row in await self._session.scalars(newest)]


async def months(unit: UnitOfWork) -> Sequence[date]:
    """Return the months that have been put away, as their first days, newest first; some may have no posting."""
    async with unit:
        store = ArchiveStore(unit)
        oldest, newest = await store.oldest_at(), await store.newest_at()
    if oldest is None or newest is None:
        return []
    found, month, last = [], _month_of(oldest), _month_of(newest)
    while month <= last:
        found.append(month)
        month = month_after(month)
    return found[::-1]


async def read_month(
    month: date, limit: int, cursor: str | None, unit: UnitOfWork
) -> tuple[Sequence[Line], str | None]:
    """Return a page of a month's postings, and the cursor of the next one if there is any. Raises BadCursor."""
    place = decode(cursor, SORT, datetime) if cursor else None
    async with unit:
        lines = await ArchiveStore(unit).page(month, limit + 1, place)
    return cut(lines, limit, lambda line: line.place)


async def lines_of_month(month: date, unit: UnitOfWork) -> AsyncGenerator[Line]:
    """Yield all of a month's postings, newest first, a page in memory at a time."""

    async def page(place: Cursor | None) -> Sequence[Line]:
        async with unit:
            return await ArchiveStore(unit).page(month, EXPORT_PAGE, place)

    async with aclosing(by_page(page)) as lines:
        async for line in lines:
            yield line


def _line(row: ArchivedTransaction) -> Line:
    moved = tuple((kind, amount) for kind, amount in zip(AccountKind, row.amounts, strict=True) if amount)
    return Line(row.id, row.kind, row.call_id, row.at, moved)


def _begin(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _month_of(at: datetime) -> date:
    there = at.astimezone(UTC)
    return date(there.year, there.month, 1)
