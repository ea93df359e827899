"""How far each event stream is committed, and the lease that lets one process at a time read it.

Moving the cursor is one conditional statement that also proves the lease: a process that lost it (it slept,
another took over) changes nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from crm.calls.model import EventCursor
from crm.unit_of_work import UnitOfWork
from events import wire

LEASE: Final = timedelta(seconds=5)
FIRST: Final = "0-0"


class LeaseLost(Exception):
    """Another process reads the stream now."""


class CursorStore:
    def __init__(self, unit: UnitOfWork, owner: UUID) -> None:
        self._session = unit.session
        self._owner = owner

    async def lease(self) -> Mapping[str, str]:
        """Take or keep every stream that is ours or nobody's, and return their cursors."""
        streams = [{"stream": stream} for stream in wire.all_event_streams()]
        await self._session.execute(insert(EventCursor).values(streams).on_conflict_do_nothing())
        free = (
            select(EventCursor.stream)
            .where(or_(EventCursor.owner == self._owner, EventCursor.owner.is_(None), self._expired()))
            .with_for_update(skip_locked=True)
        )
        rows = await self._session.execute(
            update(EventCursor)
            .where(EventCursor.stream.in_(free))
            .values(owner=self._owner, leased_until=func.now() + LEASE)
            .returning(EventCursor.stream, EventCursor.cursor)
            .execution_options(synchronize_session=False)
        )
        return {row.stream: row.cursor for row in rows}

    async def move(self, stream: str, old: str, new: str) -> None:
        """Set the cursor of a stream that we hold, and keep the lease.

        Raises:
            LeaseLost: it is another's, or not where we left it.
        """
        moved = await self._session.scalar(
            update(EventCursor)
            .where(EventCursor.stream == stream, EventCursor.owner == self._owner, EventCursor.cursor == old)
            .values(cursor=new, leased_until=func.now() + LEASE)
            .returning(EventCursor.stream)
            .execution_options(synchronize_session=False)
        )
        if moved is None:
            raise LeaseLost(stream)

    async def give_up(self) -> None:
        """Let others have our streams at once."""
        await self._session.execute(
            update(EventCursor)
            .where(EventCursor.owner == self._owner)
            .values(owner=None, leased_until=None)
            .execution_options(synchronize_session=False)
        )

    async def cursor(self, stream: str) -> str:
        """Return how far any process has committed that stream."""
        return await self._session.scalar(select(EventCursor.cursor).where(EventCursor.stream == stream)) or FIRST

    @staticmethod
    def _expired() -> ColumnElement[bool]:
        return EventCursor.leased_until < func.now()


def entry_order(entry_id: str) -> tuple[int, int]:
    """Return what a stream's entry ids sort by: milliseconds, then a count."""
    milliseconds, _, count = entry_id.partition("-")
    return int(milliseconds), int(count or 0)
