"""A lead's timeline in one query, of the unit's organisation.

Each kind is read from its own table by an index on (org_id, lead_id, time, id), a page's worth at most, and the parts
are merged: a page costs the same at any depth, and no copy of the rows exists that could differ from them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute

from crm.calls.model import Call
from crm.inbox.model import Message
from crm.leads.model import Task
from crm.notes.model import Note
from crm.page_cursor import Cursor, after
from crm.timeline.model import LeadChange
from crm.unit_of_work import UnitOfWork


class Kind(StrEnum):
    CALL = "call"
    CHANGE = "change"
    MESSAGE = "message"
    NOTE = "note"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Item:
    kind: Kind
    at: datetime
    id: UUID  # of the call, the change, the note or the task
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where items of a kind are: the columns that place them, and what is told of each."""

    org_id: InstrumentedAttribute[UUID]
    lead_id: InstrumentedAttribute[UUID]
    at: InstrumentedAttribute[datetime]
    id: InstrumentedAttribute[UUID]
    details: Mapping[str, InstrumentedAttribute[Any]]


# A kind that is added takes an index on (org_id, lead_id, time, id) of its table.
SOURCES: Final[Mapping[Kind, Source]] = {
    Kind.CALL: Source(
        Call.org_id,
        Call.lead_id,
        Call.created_at,
        Call.id,
        {
            "agent_id": Call.agent_id,
            "direction": Call.direction,
            "state": Call.state,
            "outcome": Call.outcome,
            "answered_by": Call.answered_by,
            "duration_s": Call.duration_s,
            "ended_at": Call.ended_at,
        },
    ),
    Kind.CHANGE: Source(
        LeadChange.org_id,
        LeadChange.lead_id,
        LeadChange.at,
        LeadChange.id,
        {"changes": LeadChange.changes, "by": LeadChange.by, "by_id": LeadChange.by_id},
    ),
    Kind.MESSAGE: Source(
        Message.org_id,
        Message.lead_id,
        Message.created_at,
        Message.id,
        {
            "conversation_id": Message.conversation_id,
            "channel": Message.channel,
            "role": Message.role,
            "direction": Message.direction,
            "content": Message.content,
            "status": Message.status,
            "fault": Message.fault,
            "author_id": Message.author_id,
            "call_id": Message.call_id,
        },
    ),
    Kind.NOTE: Source(
        Note.org_id,
        Note.lead_id,
        Note.created_at,
        Note.id,
        {"text": Note.text, "author_id": Note.author_id, "updated_at": Note.updated_at},
    ),
    Kind.TASK: Source(
        Task.org_id,
        Task.lead_id,
        Task.created_at,
        Task.id,
        {
            "kind": Task.kind,
            "title": Task.title,
            "due_text": Task.due_text,
            "due_at": Task.due_at,
            "status": Task.status,
            "call_id": Task.call_id,
            "assignee_id": Task.assignee_id,
            "done_at": Task.done_at,
        },
    ),
}


class TimelineStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def page(self, lead_id: UUID, kinds: Collection[Kind], limit: int, cursor: Cursor | None) -> Sequence[Item]:
        """Return up to `limit` items of those kinds, newest first, older than the cursor's."""
        parts = [self._part(kind, lead_id, limit, cursor).select() for kind in sorted(kinds)]
        whole = union_all(*parts).subquery()
        statement = select(whole).order_by(whole.c.at.desc(), whole.c.id.desc()).limit(limit)
        rows = await self._session.execute(statement)
        return [Item(Kind(row.kind), row.at, row.id, row.details) for row in rows]

    def _part(self, kind: Kind, lead_id: UUID, limit: int, cursor: Cursor | None) -> Subquery:
        source = SOURCES[kind]
        details: list[ColumnElement[Any]] = []
        for name, column in source.details.items():
            details += [literal(name), column.expression]
        return (
            select(
                literal(kind.value).label("kind"),
                source.at.label("at"),
                source.id.label("id"),
                func.jsonb_build_object(*details, type_=JSONB()).label("details"),
            )
            .where(source.org_id == self._org_id, source.lead_id == lead_id)
            .where(*after(cursor, source.at.expression, source.id.expression, descending=True))
            .order_by(source.at.desc(), source.id.desc())
            .limit(limit)
            .subquery()
        )
