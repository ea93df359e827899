"""Applies what was read of several streams at once: a round.

The entries are sorted out by organisation, because a transaction sees one tenant, and each organisation's are applied
together where that can be: a transaction is as large as the backlog allows, whichever streams its events came by.
Within a call their order is that of the stream. What cannot be applied is set aside, so that nothing blocks a stream.
The streams' cursors are not moved here: whoever reads moves them after the round. A round that is broken off is read
again, and what it had committed is known by its place in its call and changes nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from crm.calls.batch import NotTogether, take_together
from crm.calls.intake import Entry, Mark, bury, is_away, take
from crm.calls.model import Why
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events.call import Event

# Of one transaction: it holds the wallet that its calls are paid from for as long as it takes.
TOGETHER_MAX: Final = 256
# A part of the pool, the rest is for people.
AT_ONCE: Final = 4

log = structlog.get_logger()

Readable = tuple[Entry, Event]


class Round:
    """One reading of the streams. `marks` has the calls that are committed so far, also after a failure."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._limit = asyncio.Semaphore(AT_ONCE)
        self.marks: dict[UUID, Mark] = {}

    async def apply(self, entries: Iterable[Entry]) -> None:
        """Apply entries, those of a stream in their order.

        Raises:
            ExceptionGroup: of what the database says when it is away; a part may be committed.
        """
        by_org: dict[UUID, list[Readable]] = {}
        unreadable: list[tuple[Entry, str]] = []
        for entry in entries:
            try:
                event = happenings.decode(entry.raw)
            except happenings.Unreadable as fault:
                unreadable.append((entry, str(fault)))
            else:
                by_org.setdefault(event.org_id, []).append((entry, event))
        async with asyncio.TaskGroup() as tasks:
            for events in by_org.values():
                tasks.create_task(self._apply_all(events), name="events.apply")
            if unreadable:
                await self._bury(unreadable)

    async def _apply_all(self, events: Sequence[Readable]) -> None:
        for first in range(0, len(events), TOGETHER_MAX):
            async with self._limit:
                await self._apply(events[first : first + TOGETHER_MAX])

    async def _apply(self, events: Sequence[Readable]) -> None:
        """Apply one organisation's events together, and else in halves: one bad event costs a few more steps."""
        if len(events) == 1:
            await self._apply_alone(*events[0])
        elif not await self._applied_together(events):
            middle = len(events) // 2
            await self._apply(events[:middle])
            await self._apply(events[middle:])

    async def _applied_together(self, events: Sequence[Readable]) -> bool:
        """Apply them in one transaction. Returns False, with nothing kept, when something has to be taken alone."""
        try:
            async with UnitOfWork(self._sessions, events[0][1].org_id) as unit:
                marks = await take_together([event for _, event in events], unit)
                await unit.commit()
        except NotTogether:
            return False
        except DBAPIError as error:
            if is_away(error):
                raise
            log.info("events.batch_split", entries=len(events), error=type(error.orig).__name__)
            return False
        self.marks.update((mark.call_id, mark) for mark in marks)
        return True

    async def _apply_alone(self, entry: Entry, event: Event) -> None:
        async with UnitOfWork(self._sessions, event.org_id) as unit:
            mark = (await take(event, entry, unit)).mark
            await unit.commit()
        self.marks[mark.call_id] = mark

    async def _bury(self, unreadable: Sequence[tuple[Entry, str]]) -> None:
        async with UnitOfWork(self._sessions) as unit:
            for entry, fault in unreadable:
                await bury(entry, unit, Why.UNREADABLE, f"unreadable: {fault}")
            await unit.commit()
