"""What agents had done, by the key under which it was asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class ToolRun(Row):
    """One thing that was done, or refused; its key, call and tool-call id, is there once."""

    __tablename__ = "tool_runs"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    tool_call_id: Mapped[str]
    name: Mapped[str]
    fingerprint: Mapped[str]  # of the arguments
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
