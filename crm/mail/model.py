"""Letters that wait to be posted, and that they were."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class PostedLetter(Row):
    __tablename__ = "letters"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str]
    to_address: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]  # empty once it is sent
    link: Mapped[dict[str, Any] | None]  # what its link says; never the link itself
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
