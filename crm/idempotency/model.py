"""Keys that clients give to their requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class IdempotencyKey(Row):
    """A client's own key for one request, with the answer that was given."""

    __tablename__ = "idempotency_keys"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str]
    fingerprint: Mapped[str]  # of the request
    call_id: Mapped[UUID | None]  # of a dial: what happened is seen by the call
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
