"""Exports of leads: who asked for which, and the files that were made. The row outlives its files: it is the proof."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class State(StrEnum):
    WAITING = "waiting"  # or being written
    FINISHED = "finished"
    FAILED = "failed"  # given up, until somebody has the dead job tried again
    EXPIRED = "expired"  # the files are deleted


class Export(Row):
    __tablename__ = "exports"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_by: Mapped[UUID | None]
    format: Mapped[str]
    filters: Mapped[dict[str, Any]]  # of crm.leads.filters.LeadFilters
    state: Mapped[str] = mapped_column(default=State.WAITING)
    fault: Mapped[str] = mapped_column(default="")  # why it failed
    rows: Mapped[int] = mapped_column(default=0)
    files: Mapped[list[Any]] = mapped_column(default=list)  # {name, size_bytes}, in their order
    fetched: Mapped[int] = mapped_column(default=0)  # how often a file of it was downloaded
    fetched_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
