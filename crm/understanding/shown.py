"""What the API shows of objections and notes. Sans-I/O."""

from datetime import datetime
from typing import Any
from uuid import UUID

from typing_extensions import TypedDict

from crm.understanding.model import CallNotes, Objection


class ObjectionJson(TypedDict):
    """`kind` is what a person has said it is, where one has."""

    id: UUID
    call_id: UUID
    epoch: int
    turn: int
    kind: str
    classified_as: str
    quote: str | None
    source: str
    corrected_by: UUID | None
    corrected_at: datetime | None
    at: datetime


class TokensJson(TypedDict):
    """What a model took, and what that cost, in thousandths of a credit."""

    prompt_tokens: int
    completion_tokens: int
    cost: int | None


class CallNotesJson(TypedDict):
    id: UUID
    status: str
    attempts: int
    reason: str
    source: str
    model: str
    summary: str
    fields: dict[str, Any]
    suggested: dict[str, Any]
    usage: TokensJson
    written_by: UUID | None
    written_at: datetime | None


def objection_json(objection: Objection) -> ObjectionJson:
    return {
        "id": objection.id,
        "call_id": objection.call_id,
        "epoch": objection.epoch,
        "turn": objection.turn,
        "kind": objection.corrected_kind or objection.kind,
        "classified_as": objection.kind,
        "quote": objection.quote,
        "source": objection.source,
        "corrected_by": objection.corrected_by,
        "corrected_at": objection.corrected_at,
        "at": objection.at,
    }


def notes_json(notes: CallNotes) -> CallNotesJson:
    return {
        "id": notes.id,
        "status": notes.status,
        "attempts": notes.attempts,
        "reason": notes.reason,
        "source": notes.source,
        "model": notes.model,
        "summary": notes.summary,
        "fields": notes.fields,
        "suggested": notes.suggested,
        "usage": {
            "prompt_tokens": notes.prompt_tokens,
            "completion_tokens": notes.completion_tokens,
            "cost": notes.cost_milli,
        },
        "written_by": notes.written_by,
        "written_at": notes.written_at,
    }
