"""What people do with notes: write, list, change and remove them. Whoever works a lead may change all of its notes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from crm.identity.tokens import Identity
from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.notes.model import Note
from crm.notes.store import NoteStore
from crm.page_cursor import Cursor, cut, decode
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition

_SORT: Final = "-created_at"


class NoteNotFound(Refusal):
    def __init__(self, note_id: UUID) -> None:
        super().__init__("note_not_found", {"note_id": str(note_id)})


async def add_note(lead_id: UUID, text: str, person: Identity, unit: UnitOfWork) -> Note:
    """Raises LeadNotFound."""
    async with unit:
        await _find_lead(lead_id, unit)
        note = Note(org_id=unit.org_id, lead_id=lead_id, text=text, author_id=person.user_id)
        unit.session.add(note)
        await unit.commit()
        return note


async def list_notes(
    lead_id: UUID, limit: int, cursor: str | None, unit: UnitOfWork
) -> tuple[Sequence[Note], str | None]:
    """Return a page, newest first, and the cursor of the next one, if any. Raises LeadNotFound, BadCursor."""
    place = decode(cursor, _SORT, datetime) if cursor else None
    async with unit:
        await _find_lead(lead_id, unit)
        found = await NoteStore(unit).of_lead(lead_id, place, limit + 1)
    return cut(found, limit, lambda note: Cursor(_SORT, note.created_at, note.id))


async def change_note(
    lead_id: UUID, note_id: UUID, text: str, person: Identity, unit: UnitOfWork, read: Precondition
) -> Note:
    """Raises NoteNotFound, VersionChanged."""
    async with unit:
        note = await NoteStore(unit).lock(lead_id, note_id)
        if note is None:
            raise NoteNotFound(note_id)
        read.check(note.version)
        note.text = text
        note.changed_by = person.user_id
        await unit.commit()
        return note


async def remove_note(lead_id: UUID, note_id: UUID, unit: UnitOfWork, read: Precondition) -> None:
    """Take it out for good, of the timeline too. Raises NoteNotFound, VersionChanged."""
    async with unit:
        note = await NoteStore(unit).lock(lead_id, note_id)
        if note is None:
            raise NoteNotFound(note_id)
        read.check(note.version)
        await unit.session.delete(note)
        await unit.commit()


async def _find_lead(lead_id: UUID, unit: UnitOfWork) -> None:
    if await LeadStore(unit).get(lead_id) is None:
        raise LeadNotFound(lead_id)
