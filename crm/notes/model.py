"""Notes that people write about a lead, one row each. What calls note down is the lead's own text."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Note(Row):
    __tablename__ = "notes"
    # The version that a change leaves is read back with it.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    text: Mapped[str]
    author_id: Mapped[UUID]  # a user, who may have left the organisation since
    changed_by: Mapped[UUID | None]  # who wrote it anew last
    version: Mapped[int] = mapped_column(default=1, onupdate=sql("notes.version + 1"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
