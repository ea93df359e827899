"""The organisation's statement: its transactions with their entries, newest first, chosen by time, kind and call.

Read only. A page costs the same at any depth.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from typing_extensions import TypedDict

from crm.billing.model import Account, AccountKind, Entry, Transaction
from crm.page_cursor import Cursor, after, cut, decode
from crm.unit_of_work import UnitOfWork

SORT: Final = "-at"
EXPORT_PAGE: Final = 1_000
_PLACES: Final = {str(kind): place for place, kind in enumerate(AccountKind)}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which transactions; what is empty or None chooses all."""

    kinds: frozenset[str] = frozenset()
    from_: datetime | None = None
    before: datetime | None = None
    call_id: UUID | None = None


class EntryJson(TypedDict):
    account: AccountKind
    amount: int


class TransactionJson(TypedDict):
    id: UUID
    kind: str
    call_id: UUID | None
    at: datetime
    entries: list[EntryJson]


@dataclass(frozen=True, slots=True)
class Line:
    """One transaction. `entries` in the order of the kinds: they were written at once, and none came before another."""

    id: UUID
    kind: str
    call_id: UUID | None
    at: datetime
    entries: tuple[tuple[AccountKind, int], ...]

    @property
    def place(self) -> Cursor:
        return Cursor(SORT, self.at, self.id)


class StatementStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def page(self, choice: Choice, limit: int, cursor: Cursor | None = None) -> Sequence[Line]:
        """Return at most so many transactions behind the cursor's, with their entries."""
        chosen = (
            select(Transaction.id)
            .where(*self._conditions(choice), *self._behind(cursor))
            .order_by(Transaction.at.desc(), Transaction.id.desc())
            .limit(limit)
        )
        rows = await self._session.execute(
            select(Transaction, Account.kind, Entry.amount)
            .join(Entry, (Entry.org_id == Transaction.org_id) & (Entry.transaction_id == Transaction.id))
            .join(Account, (Account.org_id == Entry.org_id) & (Account.id == Entry.account_id))
            .where(Transaction.org_id == self._org_id, Transaction.id.in_(chosen))
            .order_by(Transaction.at.desc(), Transaction.id.desc())
        )
        return [
            Line(made.id, made.kind, made.call_id, made.at, _sorted((row[1], row[2]) for row in of_one))
            for made, of_one in groupby(rows, key=lambda row: row[0])
        ]

    def _conditions(self, choice: Choice) -> list[ColumnElement[bool]]:
        found = [Transaction.org_id == self._org_id]
        if choice.kinds:
            found.append(Transaction.kind.in_(sorted(choice.kinds)))
        if choice.from_ is not None:
            found.append(Transaction.at >= choice.from_)
        if choice.before is not None:
            found.append(Transaction.at < choice.before)
        if choice.call_id is not None:
            found.append(Transaction.call_id == choice.call_id)
        return found

    def _behind(self, cursor: Cursor | None) -> list[ColumnElement[bool]]:
        return after(cursor, Transaction.at.expression, Transaction.id.expression, descending=True)


async def read_statement(
    choice: Choice, limit: int, cursor: str | None, unit: UnitOfWork
) -> tuple[Sequence[Line], str | None]:
    """Return a page, and the cursor of the next one if there is any.

    Raises:
        BadCursor
    """
    place = decode(cursor, SORT, datetime) if cursor else None
    async with unit:
        lines = await StatementStore(unit).page(choice, limit + 1, place)
    return cut(lines, limit, lambda line: line.place)


async def all_lines(choice: Choice, unit: UnitOfWork) -> AsyncGenerator[Line]:
    """Yield every transaction, newest first, a page in memory at a time; each page is a transaction of its own.

    What is booked meanwhile is newer than the first line and left out.
    """

    async def page(place: Cursor | None) -> Sequence[Line]:
        async with unit:
            return await StatementStore(unit).page(choice, EXPORT_PAGE, place)

    async with aclosing(by_page(page)) as lines:
        async for line in lines:
            yield line


async def by_page(page: Callable[[Cursor | None], Awaitable[Sequence[Line]]]) -> AsyncGenerator[Line]:
    """Yield the lines of all pages, one in memory at a time; `page` returns EXPORT_PAGE at most, behind a place."""
    place: Cursor | None = None
    while lines := await page(place):
        for line in lines:
            yield line
        if len(lines) < EXPORT_PAGE:
            return
        place = lines[-1].place


async def transactions(unit: UnitOfWork, limit: int, call_id: UUID | None = None) -> list[TransactionJson]:
    """Return the newest transactions as JSON, inside the caller's transaction."""
    lines = await StatementStore(unit).page(Choice(call_id=call_id), limit)
    return [line_json(line) for line in lines]


def line_json(line: Line) -> TransactionJson:
    return {
        "id": line.id,
        "kind": line.kind,
        "call_id": line.call_id,
        "at": line.at,
        "entries": [{"account": account, "amount": amount} for account, amount in line.entries],
    }


def _sorted(entries: Any) -> tuple[tuple[AccountKind, int], ...]:
    placed = sorted(entries, key=lambda entry: _PLACES[entry[0]])
    return tuple((AccountKind(kind), amount) for kind, amount in placed)
