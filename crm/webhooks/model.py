"""Addresses that an organisation wants events posted to, and each posting."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Webhook(Row):
    __tablename__ = "webhooks"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    url: Mapped[str]
    kinds: Mapped[list[Any]]  # of events; not empty
    sealed: Mapped[str]  # the secret that signs, by events.sealed_secret
    on: Mapped[bool] = mapped_column(default=True)
    off_reason: Mapped[str] = mapped_column(default="")
    slow_tries: Mapped[int] = mapped_column(default=0)  # postings in a row that took long; see crm.webhooks.slowness
    held_until: Mapped[datetime | None]  # nothing is posted before then
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Delivery(Row):
    """One event for one webhook. `state` is waiting, delivered or failed."""

    __tablename__ = "webhook_deliveries"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[UUID]
    event_id: Mapped[UUID]
    kind: Mapped[str]
    body: Mapped[str]  # as it is signed and sent
    state: Mapped[str] = mapped_column(default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    began_at: Mapped[datetime] = mapped_column(default=utc_now)  # or was replayed: three days are counted from here
    done_at: Mapped[datetime | None]
    status: Mapped[int | None]  # of the last answer
    fault: Mapped[str] = mapped_column(default="")
