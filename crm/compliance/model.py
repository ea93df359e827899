"""The stored decisions of the gate."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Decision(Row):
    """What the gate said about one attempt, with all that it knew. Never changed."""

    __tablename__ = "decisions"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID | None]  # None: refused, so there is no call
    lead_id: Mapped[UUID | None]
    number: Mapped[str]
    allowed: Mapped[bool]
    reasons: Mapped[list[Any]]  # every reason against, the one that was answered first
    inputs: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
