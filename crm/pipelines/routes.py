"""/api/pipelines: the organisation's pipelines, their stages, and a board of the leads in them."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.leads.filters import LeadFilters
from crm.leads.showing import LeadJson, leads_json
from crm.permissions import Permission
from crm.pipelines.defaults import StageFields, StageKind
from crm.pipelines.model import Stage
from crm.pipelines.usecases import (
    PIPELINES_MAX,
    SLUG_CHARS_MAX,
    STAGES_MAX,
    Column,
    PipelineChange,
    StageChange,
    Whole,
    add_pipeline,
    add_stage,
    change_pipeline,
    change_stage,
    list_pipelines,
    read_board,
    remove_pipeline,
    remove_stage,
)
from crm.text_patterns import NO_CONTROL

CARDS_MAX: Final = 50  # of a stage, on a board

router = APIRouter(prefix="/api/pipelines")

WRITES: Final = Depends(Needs(Permission.PIPELINES_WRITE))
# Not of blanks and signs of other kinds that cannot be seen.
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=NO_CONTROL)]
# Letters of any alphabet, so that it may be made of any name.
Slug = Annotated[str, StringConstraints(max_length=SLUG_CHARS_MAX, pattern=r"^\w[\w-]*$")]


class PipelineBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    slug: Slug | None = None  # made of the name where it is not given


class PipelineChangeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    is_default: bool = False
    position: Annotated[int, Field(ge=0, lt=PIPELINES_MAX)] | None = None

    def change(self) -> PipelineChange:
        return PipelineChange(self.name, self.is_default, self.position)


class StageBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    slug: Slug | None = None
    kind: StageKind = StageKind.OPEN

    def fields(self) -> StageFields:
        return StageFields(self.name, self.slug or "", self.kind)


class StageChangeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: StageKind
    position: Annotated[int, Field(ge=0, lt=STAGES_MAX)] | None = None

    def change(self) -> StageChange:
        return StageChange(self.name, self.kind.value, self.position)


class StageJson(TypedDict):
    id: UUID
    name: str
    slug: str
    kind: StageKind
    position: int


class _OwnJson(TypedDict):
    id: UUID
    name: str
    slug: str
    position: int
    is_default: bool
    created_at: datetime
    updated_at: datetime


class PipelineJson(_OwnJson):
    stages: list[StageJson]


class ColumnJson(StageJson):
    count: int
    more: bool
    leads: list[LeadJson]
    next: str | None


class BoardJson(_OwnJson):
    stages: list[ColumnJson]


@router.get("")
async def get_pipelines(unit: Unit) -> Success[list[PipelineJson]]:
    return success([pipeline_json(whole) for whole in await list_pipelines(unit)])


@router.post("", status_code=201, dependencies=[WRITES])
async def post_pipeline(body: PipelineBody, unit: Unit, attempt: Attempted) -> Success[PipelineJson]:
    made = await once(unit, attempt, lambda part: add_pipeline(body.name, body.slug, part), pipeline_json)
    return success(made, status=201)


@router.put("/{pipeline_id}", dependencies=[WRITES])
async def put_pipeline(pipeline_id: UUID, body: PipelineChangeBody, unit: Unit) -> Success[PipelineJson]:
    return success(pipeline_json(await change_pipeline(pipeline_id, body.change(), unit)))


@router.delete("/{pipeline_id}", status_code=204, dependencies=[WRITES])
async def delete_pipeline(pipeline_id: UUID, unit: Unit) -> Response:
    """Remove one that is not the default and has no leads."""
    await remove_pipeline(pipeline_id, unit)
    return Response(status_code=204)


@router.get("/{pipeline_id}/board")
async def get_board(
    pipeline_id: UUID,
    unit: Unit,
    limit: Annotated[int, Query(ge=1, le=CARDS_MAX)] = 20,
    owner_id: UUID | None = None,
    tag_id: UUID | None = None,
) -> Success[BoardJson]:
    """Each stage with the newest of its leads; `next` of a stage goes on in `GET /api/leads?pipeline=&status=`."""
    pipeline, columns = await read_board(pipeline_id, limit, LeadFilters(owner_id=owner_id, tag_id=tag_id), unit)
    board: BoardJson = {**shown(_OwnJson, pipeline), "stages": [_column(column) for column in columns]}
    return success(board)


@router.post("/{pipeline_id}/stages", status_code=201, dependencies=[WRITES])
async def post_stage(pipeline_id: UUID, body: StageBody, unit: Unit, attempt: Attempted) -> Success[StageJson]:
    made = await once(unit, attempt, lambda part: add_stage(pipeline_id, body.fields(), part), stage_json)
    return success(made, status=201)


@router.put("/{pipeline_id}/stages/{stage_id}", dependencies=[WRITES])
async def put_stage(pipeline_id: UUID, stage_id: UUID, body: StageChangeBody, unit: Unit) -> Success[StageJson]:
    return success(stage_json(await change_stage(pipeline_id, stage_id, body.change(), unit)))


@router.delete("/{pipeline_id}/stages/{stage_id}", status_code=204, dependencies=[WRITES])
async def delete_stage(pipeline_id: UUID, stage_id: UUID, unit: Unit, move_to: UUID | None = None) -> Response:
    """Remove a stage; its leads go into the one that `move_to` names."""
    await remove_stage(pipeline_id, stage_id, move_to, unit)
    return Response(status_code=204)


def pipeline_json(whole: Whole) -> PipelineJson:
    pipeline, stages = whole
    return {**shown(_OwnJson, pipeline), "stages": [stage_json(stage) for stage in stages]}


def stage_json(stage: Stage) -> StageJson:
    return shown(StageJson, stage)


def _column(column: Column) -> ColumnJson:
    page = column.leads
    return {
        **stage_json(column.stage),
        "count": column.count,
        "more": column.more,
        "leads": leads_json(page.leads, page.tags),
        "next": page.next,
    }
