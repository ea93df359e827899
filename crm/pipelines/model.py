"""Pipelines of an organisation, and their stages. A lead names both by their slugs: `pipeline` and `status`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from crm.pipelines.defaults import StageKind
from events.ids import new_id


class Pipeline(Row):
    __tablename__ = "pipelines"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str]  # what leads say; never changed
    position: Mapped[int]  # in the order in which people see them, from 0
    is_default: Mapped[bool] = mapped_column(default=False)  # one of an organisation's: where leads go that name none
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Stage(Row):
    __tablename__ = "stages"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    pipeline_id: Mapped[UUID]
    name: Mapped[str]
    slug: Mapped[str]  # one of the pipeline's; never changed
    kind: Mapped[str] = mapped_column(default=StageKind.OPEN.value)
    position: Mapped[int]  # within the pipeline, from 0
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
