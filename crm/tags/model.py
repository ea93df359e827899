"""Tags of an organisation, and which leads carry them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Tag(Row):
    __tablename__ = "tags"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    key: Mapped[str]  # what no two names share; see crm.tags.likeness
    color: Mapped[str]  # such as "#1f77b4", in lower case
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class LeadTag(Row):
    __tablename__ = "lead_tags"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    tag_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
