"""What changed about a lead. Written by the database itself (r0011), whoever changes the lead."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class LeadChange(Row):
    __tablename__ = "lead_changes"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(default=utc_now)
    changes: Mapped[dict[str, Any]]  # by field: [before, after]
    # Written by the database too: of crm.author; none: ourselves, or it was before this was noted.
    by: Mapped[str | None] = mapped_column(server_default=FetchedValue())
    by_id: Mapped[UUID | None] = mapped_column(server_default=FetchedValue())
