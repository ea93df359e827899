"""Leads that may be one person, and merges of two into one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Suggestion(Row):
    """Two leads that look alike; a has the smaller id. Dismissed ones stay, so that they do not come back."""

    __tablename__ = "merge_suggestions"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_a: Mapped[UUID]
    lead_b: Mapped[UUID]
    score: Mapped[int]  # 0 to 100
    reasons: Mapped[list[Any]]  # of crm.duplicates.likeness.Reason
    dismissed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Merge(Row):
    """All that undoing needs; emptied when it is too late for that."""

    __tablename__ = "lead_merges"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kept_id: Mapped[UUID]
    gone_id: Mapped[UUID]
    merged_by: Mapped[UUID | None]
    before: Mapped[dict[str, Any]]  # of the kept lead's fields that the merge changed
    after: Mapped[dict[str, Any]]  # of the same fields
    gone: Mapped[dict[str, Any]]  # the other lead's whole row
    moved: Mapped[dict[str, Any]]  # by table: ids of rows that were the other lead's
    at: Mapped[datetime] = mapped_column(default=utc_now)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[UUID | None]
