"""The numbers at which an organisation is rung up, and who takes those calls."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id
from events.plan import Route


class PhoneNumber(Row):
    __tablename__ = "phone_numbers"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str]  # E.164; no other organisation has it
    label: Mapped[str] = mapped_column(default="")
    route: Mapped[str] = mapped_column(default=Route.AGENT.value)
    agent_id: Mapped[UUID | None]  # whose voice is heard, whoever takes the call; None: the oldest active agent's
    user_id: Mapped[UUID | None]  # route rep: who is rung; of other routes, who gets the messages
    queue_id: Mapped[UUID | None]  # route queue: where callers wait
    greeting: Mapped[str] = mapped_column(default="")  # said first, instead of the playbook's own words
    voicemail: Mapped[bool] = mapped_column(default=True)  # a message is taken when nobody takes the call
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
