"""What the API shows of objections and notes. Sans-I/O."""

from typing import Any

from crm.understanding.model import CallNotes, Objection


def objection_json(objection: Objection) -> dict[str, Any]:
    """`kind` is what a person has said it is, where one has."""
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


def notes_json(notes: CallNotes) -> dict[str, Any]:
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
