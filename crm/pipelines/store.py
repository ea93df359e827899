"""Pipelines and stages in the database, of the unit's organisation, and which leads are in them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select, update

from crm.database import utc_now
from crm.leads.model import Lead
from crm.one_at_a_time import queue_up
from crm.pipelines.known import Named, Place, Places
from crm.pipelines.model import Pipeline, Stage
from crm.unit_of_work import UnitOfWork

# See crm.one_at_a_time.
PIPELINES_LOCK: Final = 7_353


class PipelineStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock_all(self) -> Sequence[Pipeline]:
        """Return every pipeline, and keep others from changing any of them or their stages."""
        await queue_up(PIPELINES_LOCK, self._unit)
        return await self.all()

    async def all(self) -> Sequence[Pipeline]:
        """Return them in the order in which people see them."""
        statement = select(Pipeline).where(Pipeline.org_id == self._org_id).order_by(Pipeline.position, Pipeline.id)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).all()

    async def stages(self, *pipeline_ids: UUID) -> Sequence[Stage]:
        """Return the stages of these, each pipeline's in its order."""
        mine = (Stage.org_id == self._org_id, Stage.pipeline_id.in_(pipeline_ids))
        statement = select(Stage).where(*mine).order_by(Stage.position, Stage.id)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).all()

    async def hold(self, pipeline: str | None, status: str) -> Place | None:
        """Return where a lead goes, and keep that stage from being removed until this transaction ends.

        Args:
            pipeline: None: the organisation's default one.
        """
        chosen = Pipeline.is_default if pipeline is None else Pipeline.slug == pipeline
        statement = (
            select(Pipeline.slug, Stage.slug)
            .join(Stage, (Stage.org_id == Pipeline.org_id) & (Stage.pipeline_id == Pipeline.id))
            .where(Pipeline.org_id == self._org_id, chosen, Stage.slug == status)
            .with_for_update(read=True, key_share=True, of=Stage)
        )
        found = (await self._session.execute(statement)).one_or_none()
        return Place(*found) if found is not None else None

    async def places(self) -> Places:
        """Return every place that a lead may be in, and keep all of them until this transaction ends."""
        statement = (
            select(Pipeline.slug, Stage.slug, Pipeline.name, Stage.name, Pipeline.is_default)
            .join(Stage, (Stage.org_id == Pipeline.org_id) & (Stage.pipeline_id == Pipeline.id))
            .where(Pipeline.org_id == self._org_id)
            .with_for_update(read=True, key_share=True, of=Stage)
        )
        rows = await self._session.execute(statement)
        return Places(Named(Place(row[0], row[1]), row[2], row[3], row[4]) for row in rows)

    async def close(self, *stage_ids: UUID) -> None:
        """Let no more leads in: wait for those that are being put into these stages."""
        mine = (Stage.org_id == self._org_id, Stage.id.in_(stage_ids))
        await self._session.execute(select(Stage.id).where(*mine).order_by(Stage.id).with_for_update())

    async def has_leads(self, pipeline: str, status: str | None = None) -> bool:
        inside = [Lead.org_id == self._org_id, Lead.pipeline == pipeline]
        if status is not None:
            inside.append(Lead.status == status)
        return bool(await self._session.scalar(select(exists().where(*inside))))

    async def move(self, place: Place, status: str, most: int) -> int:
        """Move at most so many leads to another stage of their pipeline; return how many were moved."""
        inside = (Lead.org_id == self._org_id, Lead.pipeline == place.pipeline, Lead.status == place.status)
        some = select(Lead.id).where(*inside).order_by(Lead.created_at, Lead.id).limit(most).with_for_update()
        moved = await self._session.scalars(
            update(Lead)
            .where(Lead.org_id == self._org_id, Lead.id.in_(some.scalar_subquery()))
            .values(status=status, updated_at=utc_now())
            .returning(Lead.id),
            execution_options={"synchronize_session": False},
        )
        return len(moved.all())
