"""Queues in which callers wait for people, and who of the organisation takes their calls."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Queue(Row):
    __tablename__ = "queues"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    key: Mapped[str]  # what no two names share; see crm.tags.likeness
    strategy: Mapped[str]  # events.queue.Strategy
    ring_s: Mapped[int]
    wait_s: Mapped[int]
    then: Mapped[str]  # events.queue.Then
    greeting: Mapped[str]
    patience: Mapped[str]
    goodbye: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class QueueMember(Row):
    __tablename__ = "queue_members"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    queue_id: Mapped[UUID]
    user_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
