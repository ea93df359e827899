"""What was understood of calls: objections, and the notes that are written after a call."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Status(StrEnum):
    """Of a call's notes."""

    PENDING = "pending"
    WAITING = "waiting"  # the operator has switched the models off
    WRITTEN = "written"
    FAILED = "failed"  # given up: a person may write them, or have it tried again


class Source(StrEnum):
    """Who wrote them."""

    MODEL = "model"
    SCRIPT = "script"
    PERSON = "person"


class Objection(Row):
    """One that a prospect made; `quote` is None once the call's words are erased."""

    __tablename__ = "objections"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    lead_id: Mapped[UUID]
    epoch: Mapped[int]
    turn: Mapped[int]
    kind: Mapped[str]  # as it was classified: events.understanding.ObjectionKind
    quote: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")  # lexicon, a model's name, or person
    at: Mapped[datetime]
    corrected_kind: Mapped[str | None]  # by a person; or events.understanding.NO_OBJECTION
    corrected_by: Mapped[UUID | None]
    corrected_at: Mapped[datetime | None]


class CallNotes(Row):
    """A call's summary and what it told about the prospect."""

    __tablename__ = "call_notes"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(default=Status.PENDING.value)
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(default="")  # of the last failure, or why they wait
    source: Mapped[str] = mapped_column(default="")
    model: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    suggested: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what contradicts something that is known
    prompt_tokens: Mapped[int] = mapped_column(default=0)  # of all attempts
    completion_tokens: Mapped[int] = mapped_column(default=0)
    cost_milli: Mapped[int | None]  # thousandths of a credit; None: a price is unknown
    written_by: Mapped[UUID | None]
    written_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class NoteDuty(Row):
    """A call whose notes are to be written; no tenant's table (see crm.tenancy)."""

    __tablename__ = "note_duties"

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    due_at: Mapped[datetime]
