"""Notes in the database, of the unit's organisation."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

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

    async def keep_from_call(self, call_id: UUID, lead_id: UUID, place: str, text: str, at: datetime) -> bool:
        """Keep what was noted in a call, once for each `place` in it; False where it is kept already."""
        values = {"lead_id": lead_id, "call_id": call_id, "text": text, "created_at": at, "updated_at": at}
        statement = insert(Note).values(org_id=self._org_id, id=uuid5(call_id, place), version=1, **values)
        kept = statement.on_conflict_do_nothing(index_elements=["org_id", "id"]).returning(Note.id)
        return await self._session.scalar(kept) is not None

    async def forget_call(self, call_id: UUID, lead_id: UUID) -> None:
        """Take out what was noted in a call: its words are erased. What people wrote of it stays."""
        mine = (Note.org_id == self._org_id, Note.lead_id == lead_id, Note.call_id == call_id)
        await self._session.execute(delete(Note).where(*mine, Note.author_id.is_(None)))
