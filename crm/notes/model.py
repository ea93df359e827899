"""Notes about a lead, one row each: of people, of files that were imported, and what calls note down.

The lead's own text, `leads.notes`, is what they say together; the database keeps it so (r0043).
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id

# Of what a lead's notes say together, the newest; as r0043 has it.
TOGETHER_CHARS_MAX: Final = 20_000


class Note(Row):
    __tablename__ = "notes"
    # The version that a change leaves is read back with it.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    text: Mapped[str]
    author_id: Mapped[UUID | None]  # a user, who may have left the organisation since; None: nobody wrote it as a note
    call_id: Mapped[UUID | None]  # in which it was noted; it goes with the call's words
    changed_by: Mapped[UUID | None]  # who wrote it anew last
    version: Mapped[int] = mapped_column(default=1, onupdate=sql("notes.version + 1"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
