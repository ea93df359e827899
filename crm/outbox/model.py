"""What happened in an organisation, kept until every listener has it, and for a while after."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class OutboxEvent(Row):
    __tablename__ = "outbox_events"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=utc_now)
    handed_at: Mapped[datetime | None]  # to all listeners, in the transaction that says so here
