"""Who did what, and who was refused what. Written once, never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row


class AuditEntry(Row):
    """`id` is a UUIDv7 of `at`: the table is partitioned by it, month by month."""

    __tablename__ = "audit_entries"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[UUID]
    key_id: Mapped[UUID | None]  # the API key that the person's program asked with
    action: Mapped[str]  # method and declared path: "PATCH /api/members/{user_id}"
    status: Mapped[int]  # of the answer; 403: refused
    target: Mapped[dict[str, Any]]  # what the path names
    asked: Mapped[dict[str, Any]]  # fields of the body, secrets left out
    changes: Mapped[list[Any]] = mapped_column(default=list)  # {table, id, fields: {name: [before, after]}}
    address: Mapped[str]
    agent: Mapped[str]
    request_id: Mapped[str]
