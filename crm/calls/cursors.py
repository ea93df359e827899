"""How far each event stream is committed, and the lease that lets one process at a time read it.

Moving the cursor is one conditional statement that also proves the lease: a process that lost it (it slept,
another took over) moves nothing.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, Uuid, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from crm.calls.model import EventCursor
from crm.unit_of_work import UnitOfWork
from events import wire

LEASE: Final = timedelta(seconds=5)
FIRST: Final = "0-0"


_MOVE: Final = text("""
    UPDATE event_cursors AS held SET cursor = moved.new, leased_until = now() + :lease
    FROM unnest(CAST(:streams AS text[]), CAST(:old AS text[]), CAST(:new AS text[])) AS moved(stream, old, new)
    WHERE held.stream = moved.stream AND held.owner = :owner AND held.cursor = moved.old
    RETURNING held.stream""").bindparams(
    bindparam("owner", type_=Uuid()),
    bindparam("lease", type_=Interval()),
)


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

    async def move(self, old: Mapping[str, str], new: Mapping[str, str]) -> Collection[str]:
        """Set the cursors of streams that we hold to `new`, and keep their leases.

        Returns the streams that stay as they are: another's by now, or not where we left them, which `old` says.
        """
        streams = sorted(new)
        values = {"owner": self._owner, "lease": LEASE, "streams": streams}
        places = {"old": [old[stream] for stream in streams], "new": [new[stream] for stream in streams]}
        moved = await self._session.scalars(_MOVE, values | places)
        return new.keys() - set(moved)

    async def keep(self) -> None:
        """Hold on to the streams that are ours."""
        await self._session.execute(
            update(EventCursor)
            .where(EventCursor.owner == self._owner)
            .values(leased_until=func.now() + LEASE)
            .execution_options(synchronize_session=False)
        )

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
