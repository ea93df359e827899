"""Notes in the database, of the unit's organisation."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from crm.notes.model import Note
from crm.page_cursor import Cursor, after
from crm.unit_of_work import UnitOfWork


class NoteStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock(self, lead_id: UUID, note_id: UUID) -> Note | None:
        """Return the note if it is of that lead, and keep others from changing it until this transaction ends."""
        statement = select(Note).where(Note.org_id == self._org_id, Note.id == note_id, Note.lead_id == lead_id)
        return (await self._session.scalars(statement.with_for_update())).one_or_none()

    async def of_lead(self, lead_id: UUID, cursor: Cursor | None, most: int) -> Sequence[Note]:
        """Return at most so many notes, newest first, older than the cursor's."""
        place = after(cursor, Note.created_at.expression, Note.id.expression, descending=True)
        statement = select(Note).where(Note.org_id == self._org_id, Note.lead_id == lead_id, *place)
        return (
            await self._session.scalars(statement.order_by(Note.created_at.desc(), Note.id.desc()).limit(most))
        ).all()
