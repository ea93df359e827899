"""What people do with pipelines and stages: make, name, order and remove them, and look at a board."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm.leads.filters import LeadFilters
from crm.leads.usecases import LeadsAfter, count_up_to, leads_after
from crm.ordering import put_at
from crm.pipelines.defaults import KEPT, StageFields
from crm.pipelines.known import Place
from crm.pipelines.model import Pipeline, Stage
from crm.pipelines.places import add_with_stages, stage_of
from crm.pipelines.store import PipelineStore
from crm.refusals import Refusal, bad_field
from crm.unit_of_work import UnitOfWork

PIPELINES_MAX: Final = 20  # of an organisation
STAGES_MAX: Final = 50  # of a pipeline
SLUG_CHARS_MAX: Final = 100  # W16, as the leads' texts
# Leads that are moved in one transaction, so that no other waits for long.
MOVED_AT_ONCE: Final = 2_000
# A board says how many leads are in a stage up to here, and that there are more.
COUNTED_MAX: Final = 10_000

Whole = tuple[Pipeline, Sequence[Stage]]


class PipelineNotFound(Refusal):
    def __init__(self, pipeline_id: UUID) -> None:
        super().__init__("pipeline_not_found", {"pipeline_id": str(pipeline_id)})


class StageNotFound(Refusal):
    def __init__(self, stage_id: UUID) -> None:
        super().__init__("stage_not_found", {"stage_id": str(stage_id)})


@dataclass(frozen=True, slots=True)
class PipelineChange:
    name: str
    is_default: bool
    position: int | None = None  # where it goes in the order, from 0; None: where it is


@dataclass(frozen=True, slots=True)
class StageChange:
    name: str
    kind: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One stage of a board, with the newest of its leads."""

    stage: Stage
    count: int
    more: bool  # than were counted
    leads: LeadsAfter


async def list_pipelines(unit: UnitOfWork) -> list[Whole]:
    async with unit:
        store = PipelineStore(unit)
        pipelines = await store.all()
        stages = await store.stages(*(pipeline.id for pipeline in pipelines))
    return [(one, [stage for stage in stages if stage.pipeline_id == one.id]) for one in pipelines]


async def add_pipeline(name: str, slug: str | None, unit: UnitOfWork) -> Whole:
    """Make one, last in the order, with the stages that every one begins with.

    Raises:
        Refusal: the slug is taken or none can be made of the name, or there are PIPELINES_MAX.
    """
    async with unit:
        store = PipelineStore(unit)
        pipelines = await store.lock_all()
        made = slug or slug_of(name)
        for one in pipelines:
            if one.slug == made:
                raise Refusal("pipeline_exists", {"pipeline_id": str(one.id)})
        if len(pipelines) >= PIPELINES_MAX:
            raise Refusal("too_many_pipelines", {"max": PIPELINES_MAX})
        pipeline = await add_with_stages(name, made, len(pipelines), unit)
        stages = await store.stages(pipeline.id)
        await unit.commit()
        return pipeline, stages


async def change_pipeline(pipeline_id: UUID, change: PipelineChange, unit: UnitOfWork) -> Whole:
    """Raises PipelineNotFound, or Refusal: one is to be the default."""
    async with unit:
        store = PipelineStore(unit)
        pipelines = await store.lock_all()
        pipeline = _one_of(pipelines, pipeline_id)
        if pipeline.is_default and not change.is_default:
            raise bad_field("body.is_default", "make another pipeline the default, and this one is none any more")
        pipeline.name = change.name
        if change.is_default and not pipeline.is_default:
            for one in pipelines:
                one.is_default = False
            # One at a time is the default, at each moment.
            await unit.session.flush()
            pipeline.is_default = True
        if change.position is not None:
            put_at(change.position, pipeline, pipelines)
        stages = await store.stages(pipeline_id)
        await unit.commit()
        return pipeline, stages


async def remove_pipeline(pipeline_id: UUID, unit: UnitOfWork) -> None:
    """Raises PipelineNotFound, or Refusal: it is the default, or leads are in it."""
    async with unit:
        store = PipelineStore(unit)
        pipeline = _one_of(await store.lock_all(), pipeline_id)
        if pipeline.is_default:
            raise Refusal("pipeline_is_default")
        await store.close(*(stage.id for stage in await store.stages(pipeline_id)))
        if await store.has_leads(pipeline.slug):
            raise Refusal("pipeline_has_leads")
        await unit.session.delete(pipeline)
        await unit.commit()


async def add_stage(pipeline_id: UUID, fields: StageFields, unit: UnitOfWork) -> Stage:
    """Make one, last in the pipeline's order; without a slug it gets one of its name.

    Raises:
        PipelineNotFound
        Refusal: the slug is taken or none can be made of the name, or there are STAGES_MAX.
    """
    async with unit:
        pipeline, stages = await _lock(pipeline_id, unit)
        made = StageFields(fields.name, fields.slug or slug_of(fields.name), fields.kind)
        for one in stages:
            if one.slug == made.slug:
                raise Refusal("stage_exists", {"stage_id": str(one.id)})
        if len(stages) >= STAGES_MAX:
            raise Refusal("too_many_stages", {"max": STAGES_MAX})
        stage = stage_of(pipeline, made, len(stages))
        unit.session.add(stage)
        await unit.commit()
        return stage


async def change_stage(pipeline_id: UUID, stage_id: UUID, change: StageChange, unit: UnitOfWork) -> Stage:
    """Raises PipelineNotFound, StageNotFound."""
    async with unit:
        _, stages = await _lock(pipeline_id, unit)
        stage = _stage_of(stages, stage_id)
        stage.name, stage.kind = change.name, change.kind
        if change.position is not None:
            put_at(change.position, stage, stages)
        await unit.commit()
        return stage


async def remove_stage(pipeline_id: UUID, stage_id: UUID, move_to: UUID | None, unit: UnitOfWork) -> None:
    """Move its leads into another stage of the pipeline, and remove it.

    Many leads are moved in several transactions: broken off, some are moved and the stage is there still.

    Raises:
        PipelineNotFound, StageNotFound
        Refusal: calls need it, or leads are in it and `move_to` is not said or no other stage of the pipeline.
    """
    while not await _remove_stage(pipeline_id, stage_id, move_to, unit):
        pass


async def _remove_stage(pipeline_id: UUID, stage_id: UUID, move_to: UUID | None, unit: UnitOfWork) -> bool:
    """Remove it, or move some of its leads and return False."""
    async with unit:
        store = PipelineStore(unit)
        pipeline, stages = await _lock(pipeline_id, unit)
        stage = _stage_of(stages, stage_id)
        if stage.slug in KEPT:
            raise Refusal("stage_kept", {"stage": stage.slug})
        target = next((one for one in stages if one.id == move_to), None)
        if move_to is not None and (target is None or target is stage):
            raise bad_field("query.move_to", "is no other stage of the pipeline")
        await store.close(stage_id)
        if target is not None:
            moved = await store.move(Place(pipeline.slug, stage.slug), target.slug, MOVED_AT_ONCE)
            if moved == MOVED_AT_ONCE:
                await unit.commit()
                return False
        elif await store.has_leads(pipeline.slug, stage.slug):
            raise Refusal("stage_has_leads", {"stage": stage.slug})
        await unit.session.delete(stage)
        await unit.commit()
        return True


async def read_board(
    pipeline_id: UUID, limit: int, filters: LeadFilters, unit: UnitOfWork
) -> tuple[Pipeline, list[Column]]:
    """Return each stage with how many leads are in it and the newest of them. Raises PipelineNotFound.

    Args:
        filters: of the leads that count; pipeline and status are the board's.
    """
    async with unit:
        store = PipelineStore(unit)
        pipeline = _one_of(await store.all(), pipeline_id)
        stages = await store.stages(pipeline_id)
    columns = []
    for stage in stages:
        inside = filters.within(pipeline.slug, stage.slug)
        # One more tells whether that is all.
        count = await count_up_to(COUNTED_MAX + 1, inside, unit)
        leads = await leads_after(unit, "", limit=limit, filters=inside)
        columns.append(Column(stage, min(count, COUNTED_MAX), count > COUNTED_MAX, leads))
    return pipeline, columns


def slug_of(name: str) -> str:
    """Return a slug made of a name: its letters and digits in lower case, without accents, joined by hyphens.

    Raises:
        Refusal: there is none in it.
    """
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    slug = "-".join(re.findall(r"\w+", bare.casefold()))[:SLUG_CHARS_MAX]
    if not slug:
        raise bad_field("body.slug", "is needed where the name has no letter or digit")
    return slug


async def _lock(pipeline_id: UUID, unit: UnitOfWork) -> Whole:
    store = PipelineStore(unit)
    pipeline = _one_of(await store.lock_all(), pipeline_id)
    return pipeline, await store.stages(pipeline_id)


def _one_of(pipelines: Sequence[Pipeline], pipeline_id: UUID) -> Pipeline:
    for pipeline in pipelines:
        if pipeline.id == pipeline_id:
            return pipeline
    raise PipelineNotFound(pipeline_id)


def _stage_of(stages: Sequence[Stage], stage_id: UUID) -> Stage:
    for stage in stages:
        if stage.id == stage_id:
            return stage
    raise StageNotFound(stage_id)
