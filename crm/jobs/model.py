"""Why a job failed last. The jobs themselves are procrastinate's tables, which have no model here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now


class JobFailure(Row):
    """Of no tenant, as the queue itself is: it names where the fault was, and holds no value of anybody's."""

    __tablename__ = "job_failures"

    job_id: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[UUID | None]  # None: the operator's
    error: Mapped[str]  # the kind of fault; its text may hold names and numbers
    trace: Mapped[list[Any]]  # file, line and function of each frame, the last one where it failed
    at: Mapped[datetime] = mapped_column(default=utc_now)
    told: Mapped[bool] = mapped_column(default=False)  # whatever is to be done when it is dead was put in
