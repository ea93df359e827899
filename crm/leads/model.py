"""Leads, and the tasks that follow from talking to them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from crm.leads.phones import zone_of_number
from events.ids import new_id

DEFAULT_PIPELINE: Final = "novos-leads"
DEFAULT_STATUS: Final = "novo"


class Lead(Row):
    __tablename__ = "leads"
    # The version that a change leaves is read back with it.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID | None]
    name: Mapped[str]
    email: Mapped[str | None]
    email_twin: Mapped[UUID | None]  # the own id, where another lead has the address for itself; see addresses
    phone: Mapped[str | None]  # E.164
    company: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    pipeline: Mapped[str] = mapped_column(default=DEFAULT_PIPELINE)
    status: Mapped[str] = mapped_column(default=DEFAULT_STATUS)
    score: Mapped[int] = mapped_column(default=0)  # 0 to 100; see crm.scoring
    score_set_by: Mapped[UUID | None]
    score_set_at: Mapped[datetime | None]  # by hand or from a file, so that it stays; None: worked out
    score_due: Mapped[bool] = mapped_column(default=True)  # to be worked out again
    custom_fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    notes: Mapped[str] = mapped_column(default="")
    next_step: Mapped[str] = mapped_column(default="")
    objections: Mapped[list[Any]] = mapped_column(default=list)  # {name, call_id, at}, oldest first
    do_not_call: Mapped[bool] = mapped_column(default=False)
    do_not_call_at: Mapped[datetime | None]
    time_zone: Mapped[str] = mapped_column(default="")  # what a person chose; see zone
    version: Mapped[int] = mapped_column(default=1, onupdate=text("leads.version + 1"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    @property
    def email_doubled(self) -> bool:
        """Whether another lead has the address too, since before addresses were unique."""
        return self.email_twin is not None

    @property
    def zone(self) -> str:
        """The time zone's name: a person's choice goes before what the number tells; empty where neither does."""
        return self.time_zone or (zone_of_number(self.phone) if self.phone else "")


class Task(Row):
    """Something a person or a cadence has to do, such as calling back at the time that was said."""

    __tablename__ = "tasks"
    # The version that a change leaves is read back with it.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own way

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    call_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    due_text: Mapped[str] = mapped_column(default="")  # as the prospect said it
    due_at: Mapped[datetime | None]  # where the time was understood
    status: Mapped[str] = mapped_column(default="open")  # see crm.tasks.usecases.Status
    assignee_id: Mapped[UUID | None]  # a user; None: whoever works the lead
    created_by: Mapped[UUID | None]  # a user; None: by ourselves, from a call
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None]
    version: Mapped[int] = mapped_column(default=1, onupdate=text("tasks.version + 1"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
