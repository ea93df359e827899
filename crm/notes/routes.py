"""/api/leads/{id}/notes: what people write down about a lead."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from typing_extensions import TypedDict

from crm.access import Person, Unit
from crm.answers import PAGE_MAX, Following, Success, followed_by, shown, success
from crm.idempotency.writes import Attempted, once
from crm.notes.model import Note
from crm.notes.usecases import add_note, change_note, list_notes, remove_note
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork
from crm.versions import IfMatch, etag_of

TEXT_CHARS_MAX: Final = 10_000

router = APIRouter(prefix="/api/leads/{lead_id}/notes")


class NoteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_CHARS_MAX, pattern=NO_NUL),
    ]


class NoteJson(TypedDict):
    id: UUID
    lead_id: UUID
    text: str
    author_id: UUID | None
    call_id: UUID | None
    changed_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


@router.post("", status_code=201)
async def post_note(lead_id: UUID, body: NoteBody, person: Person, unit: Unit, attempt: Attempted) -> Success[NoteJson]:
    async def add(part: UnitOfWork) -> NoteJson:
        return note_json(await add_note(lead_id, body.text, person, part))

    made = await once(unit, attempt, add)
    answer: Success[NoteJson] = success(made, status=201)
    answer.headers["ETag"] = etag_of(made["version"])
    return answer


@router.get("")
async def get_notes(
    lead_id: UUID,
    unit: Unit,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    cursor: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
) -> Following[NoteJson]:
    """List a lead's notes, newest first."""
    found, following = await list_notes(lead_id, limit, cursor, unit)
    return success([note_json(note) for note in found], pagination=followed_by(following, limit))


@router.put("/{note_id}")
async def put_note(
    lead_id: UUID, note_id: UUID, body: NoteBody, person: Person, unit: Unit, read: IfMatch
) -> Success[NoteJson]:
    note = await change_note(lead_id, note_id, body.text, person, unit, read)
    answer = success(note_json(note))
    answer.headers["ETag"] = etag_of(note.version)
    return answer


@router.delete("/{note_id}", status_code=204)
async def delete_note(lead_id: UUID, note_id: UUID, unit: Unit, read: IfMatch) -> Response:
    await remove_note(lead_id, note_id, unit, read)
    return Response(status_code=204)


def note_json(note: Note) -> NoteJson:
    return shown(NoteJson, note)
