"""Calls, their events and transcripts, and the tables of the machinery around them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Computed
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id

# The CRM's own first state, before the voice process has said anything; the rest are events.call.State.
QUEUED: Final = "queued"


class Direction(StrEnum):
    OUTBOUND = "outbound"  # we rang them
    INBOUND = "inbound"  # they rang us


class Call(Row):
    __tablename__ = "calls"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    agent: Mapped[dict[str, Any] | None]  # as it was when the call began
    prompt_id: Mapped[UUID | None]
    prompt_version: Mapped[str] = mapped_column(default="")  # the one that speaks now
    prompt_follows: Mapped[bool] = mapped_column(default=False)  # a new version reaches the call while it is live
    decision_id: Mapped[UUID]
    number: Mapped[str]  # of the other side; empty where who rang us withheld it
    direction: Mapped[str] = mapped_column(default=Direction.OUTBOUND.value)
    our_number: Mapped[str] = mapped_column(default="")  # that was rung; of calls that came in only
    placed_by: Mapped[UUID | None]  # the member who called, to talk in it; none: the agent's call
    node: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default=QUEUED)
    outcome: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[str | None]
    carrier: Mapped[str] = mapped_column(default="")
    carrier_call_id: Mapped[str | None]
    duration_s: Mapped[float] = mapped_column(default=0.0)
    recording: Mapped[dict[str, Any] | None]
    recording_fault: Mapped[str] = mapped_column(default="")
    recording_erased_at: Mapped[datetime | None]
    content_erased_at: Mapped[datetime | None]  # recording, transcript and the words in events
    closed: Mapped[bool] = mapped_column(default=False)  # no event follows
    angry_at: Mapped[datetime | None]  # when the caller became angry, the first time

    # The newest event whose effects are committed; (0, 0) before the first.
    epoch: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(default=0)
    event_count: Mapped[int] = mapped_column(default=0)

    # Money, in thousandths of a credit. The price is the one at which the call was funded.
    funded_s: Mapped[int]
    price_per_minute: Mapped[int]
    reserved: Mapped[int]
    held: Mapped[int]
    charged: Mapped[int] = mapped_column(default=0)
    refunded: Mapped[int] = mapped_column(default=0)  # of what was charged
    credit: Mapped[int] = mapped_column(default=0)  # what `funded_s` goes beyond what is reserved
    balance_before: Mapped[int]
    balance_after: Mapped[int | None]
    settled_at: Mapped[datetime | None]

    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class CallEvent(Row):
    __tablename__ = "call_events"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    epoch: Mapped[int]
    seq: Mapped[int]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=utc_now)


class ParkedEvent(Row):
    """An event that came before its predecessor."""

    __tablename__ = "parked_events"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    epoch: Mapped[int]
    seq: Mapped[int]
    raw: Mapped[bytes]
    parked_at: Mapped[datetime] = mapped_column(default=utc_now)


class Turn(Row):
    """One turn of the transcript. `text` is None while only its timings have come."""

    __tablename__ = "turns"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    epoch: Mapped[int]
    turn: Mapped[int]
    speaker: Mapped[str]
    text: Mapped[str | None]
    heard_text: Mapped[str | None]
    started_ms: Mapped[int | None]
    ended_ms: Mapped[int | None]
    response_ms: Mapped[int | None]
    interrupted: Mapped[bool] = mapped_column(default=False)
    prompt_version: Mapped[str] = mapped_column(default="")  # the agent's turns: which one spoke
    waterfall: Mapped[dict[str, Any] | None]
    mood: Mapped[str | None]  # the caller's turns: events.understanding.Mood
    sentiment: Mapped[float | None]
    sentiment_confidence: Mapped[float | None]


class Erasure(Row):
    """What was erased, when, why and by whom; while `pending`, objects may still lie in the store."""

    __tablename__ = "erasures"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    scope: Mapped[str]  # recording, content
    reason: Mapped[str]  # request, retention
    asked_by: Mapped[UUID | None]
    object_key: Mapped[str] = mapped_column(default="")  # where the recording lay
    at: Mapped[datetime] = mapped_column(default=utc_now)
    pending: Mapped[bool] = mapped_column(default=True)
    uploads: Mapped[int] = mapped_column(default=0)  # that came since; each is to be removed again
    removed_at: Mapped[datetime | None]
    removed_objects: Mapped[int] = mapped_column(default=0)


class RecordingDuty(Row):
    """An organisation whose recordings the worker is to look through; no tenant's table (see crm.tenancy)."""

    __tablename__ = "recording_duties"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]


class PendingDial(Row):
    """A dial that no event has confirmed yet; no tenant's table (see crm.tenancy)."""

    __tablename__ = "pending_dials"

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    stream: Mapped[str]
    release_at: Mapped[datetime]


class EventCursor(Row):
    """How far one stream is committed, and which process reads it until when."""

    __tablename__ = "event_cursors"

    stream: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="0-0")
    owner: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]


class Why(StrEnum):
    """Why an entry lies with the dead letters."""

    UNREADABLE = "unreadable"  # this release does not know it, or nobody would
    UNKNOWN_CALL = "unknown_call"
    FAILED = "failed"  # its effects; the call went on without them, as if it had been applied


class DeadLetter(Row):
    """An entry of a stream that could not be applied, once however often it came.

    Of no tenant (see crm.tenancy). What it says, `raw`, the application reads by one function only; see crm.recovery.
    """

    __tablename__ = "dead_letters"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID | None]
    call_id: Mapped[UUID | None]
    stream: Mapped[str]
    entry_id: Mapped[str]  # where it came first
    why: Mapped[str] = mapped_column(default=Why.FAILED.value)
    cause: Mapped[str]  # in words; of effects the kind of fault only, whose text may hold what was said
    raw: Mapped[bytes] = mapped_column(deferred=True)
    digest: Mapped[bytes] = mapped_column(Computed("sha256(raw)", persisted=True), deferred=True)
    times: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime] = mapped_column(default=utc_now)  # when it came last
