"""What rebuilding reads: which calls have events of a time, a call's events, and what has followed from them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import exists, func, select

from crm.calls.model import Call, CallEvent
from crm.calls.store import EVENTS_PAGE_MAX, CallStore
from crm.consents.model import Consent, Said
from crm.inbox.model import Message
from crm.leads.model import Task
from crm.notes.model import Note
from crm.recovery.standing import StatusChange, Told
from crm.timeline.model import LeadChange
from crm.unit_of_work import UnitOfWork
from events.call import FactNoted, Finished
from events.ids import first_id

_TELLING: Final[Mapping[str, type[FactNoted | Finished]]] = {"fact.noted": FactNoted, "call.finished": Finished}


class RebuildStore:
    """Of the unit's organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def calls(self, since: datetime | None, until: datetime | None, after: UUID | None, most: int) -> list[UUID]:
        """Return calls of which events were taken from `since` to before `until`, by id, behind `after`.

        By the events' ids, which begin with the time at which they were stored.
        """
        found = select(CallEvent.call_id).where(CallEvent.org_id == self._org_id)
        if since is not None:
            found = found.where(CallEvent.id >= first_id(since))
        if until is not None:
            found = found.where(CallEvent.id < first_id(until))
        if after is not None:
            found = found.where(CallEvent.call_id > after)
        return list(await self._session.scalars(found.distinct().order_by(CallEvent.call_id).limit(most)))

    async def events(self, call_id: UUID) -> list[CallEvent]:
        """Return all events of a call in their order."""
        store, found = CallStore(self._unit), list[CallEvent]()
        place = (0, 0)
        while page := await store.events(call_id, after=place):
            found += page
            place = (page[-1].epoch, page[-1].seq)
            if len(page) < EVENTS_PAGE_MAX:
                break
        return found

    async def told_of(self, lead_id: UUID) -> list[Told]:
        """Return what all calls of a lead told of where it stands, in the order in which it was applied."""
        mine = (
            select(CallEvent.call_id, CallEvent.received_at, CallEvent.kind, CallEvent.body, Call.content_erased_at)
            .join(Call, (Call.org_id == CallEvent.org_id) & (Call.id == CallEvent.call_id))
            .where(Call.org_id == self._org_id, Call.lead_id == lead_id, CallEvent.kind.in_(_TELLING))
            .order_by(CallEvent.received_at, CallEvent.call_id, CallEvent.epoch, CallEvent.seq)
        )
        rows = await self._session.execute(mine)
        return [
            Told(
                row.call_id,
                row.received_at,
                msgspec.convert(row.body, _TELLING[row.kind]),
                erased=row.content_erased_at is not None,
            )
            for row in rows
        ]

    async def status_changes(self, lead_id: UUID) -> Sequence[StatusChange]:
        mine = (LeadChange.org_id == self._org_id, LeadChange.lead_id == lead_id, LeadChange.changes.op("?")("status"))
        before = LeadChange.changes["status"][0].astext
        rows = await self._session.execute(select(LeadChange.at, before).where(*mine).order_by(LeadChange.at))
        return [StatusChange(*row) for row in rows]

    async def tasks_due(self, call: Call, kind: str) -> Sequence[str]:
        """Return when a call's tasks of a kind are due, as it was said."""
        # A lead's tasks have an index, and follow it as its calls do.
        of_call = (Task.lead_id == call.lead_id, Task.call_id == call.id)
        mine = (Task.org_id == self._org_id, *of_call, Task.kind == kind)
        return (await self._session.scalars(select(Task.due_text).where(*mine))).all()

    async def kept_promises(self, call: Call, channel: str) -> int:
        """Return how many messages promised in a call are written, or are somebody's task."""
        written = select(func.count()).where(
            Message.org_id == self._org_id, Message.call_id == call.id, Message.channel == channel
        )
        tasks = await self.tasks_due(call, f"send_{channel}")
        return max(int(await self._session.scalar(written) or 0), len(tasks))

    async def text_of_old(self, lead_id: UUID) -> str:
        """Return what was noted about a lead before notes were rows; empty where nothing was."""
        old = (Note.author_id.is_(None), Note.call_id.is_(None))
        mine = select(Note.text).where(Note.org_id == self._org_id, Note.lead_id == lead_id, *old)
        return "\n".join(await self._session.scalars(mine.order_by(Note.created_at)))

    async def has_refusal(self, call: Call) -> bool:
        """Say whether it is on record that somebody said in the call not to be called."""
        word = (Consent.address == call.number, Consent.call_id == call.id, Consent.said == Said.REFUSED.value)
        mine = (Consent.org_id == self._org_id, *word)
        return bool(await self._session.scalar(select(exists().where(*mine))))
