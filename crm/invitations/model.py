"""Who was asked to join an organisation, as what."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Invitation(Row):
    """Its link is kept nowhere: whoever has the signed link and finds the row open may join."""

    __tablename__ = "invitations"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]  # lower case
    role: Mapped[str]  # crm.permissions.Role
    invited_by: Mapped[UUID | None]  # None: the organisation's first person, asked by its founding
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
