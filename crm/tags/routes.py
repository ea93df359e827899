"""/api/tags: the organisation's tags. /api/leads/{id}/tags: those of a lead."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.tags.model import Tag
from crm.tags.usecases import (
    TAGS_MAX,
    TagFields,
    add_tag,
    change_tag,
    list_tags,
    merge_tags,
    put_tags,
    remove_tag,
    similar_tags,
    tags_of,
)
from crm.text_patterns import NO_CONTROL

router = APIRouter(prefix="/api")

WRITES = Depends(Needs(Permission.TAGS_WRITE))


class TagBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # Not of blanks and signs of other kinds that cannot be seen.
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=NO_CONTROL)]
    color: Annotated[str, StringConstraints(to_lower=True, pattern=r"^#[0-9A-Fa-f]{6}$")] = "#808080"

    def fields(self) -> TagFields:
        return TagFields(self.name, self.color)


class MergeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    into_id: UUID


class LeadTagsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tag_ids: list[UUID] = Field(max_length=TAGS_MAX)


class TagJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["VIP"])]
    color: Annotated[str, Field(examples=["#1f77b4"])]
    created_at: datetime
    updated_at: datetime


@router.get("/tags")
async def get_tags(unit: Unit) -> Success[list[TagJson]]:
    return success([tag_json(tag) for tag in await list_tags(unit)])


@router.get("/tags/similar")
async def get_similar(unit: Unit) -> Success[list[tuple[TagJson, TagJson]]]:
    """Pairs of tags that may be meant as one, for merging them."""
    return success([(tag_json(one), tag_json(other)) for one, other in await similar_tags(unit)])


@router.post("/tags", status_code=201, dependencies=[WRITES])
async def post_tag(body: TagBody, unit: Unit, attempt: Attempted) -> Success[TagJson]:
    made = await once(unit, attempt, lambda part: add_tag(body.fields(), part), tag_json)
    return success(made, status=201)


@router.put("/tags/{tag_id}", dependencies=[WRITES])
async def put_tag(tag_id: UUID, body: TagBody, unit: Unit) -> Success[TagJson]:
    return success(tag_json(await change_tag(tag_id, body.fields(), unit)))


@router.delete("/tags/{tag_id}", status_code=204, dependencies=[WRITES])
async def delete_tag(tag_id: UUID, unit: Unit) -> Response:
    await remove_tag(tag_id, unit)
    return Response(status_code=204)


@router.post("/tags/{tag_id}/merge", dependencies=[WRITES])
async def post_merge(tag_id: UUID, body: MergeBody, unit: Unit) -> Success[TagJson]:
    """Put `into_id` on every lead of this tag, and remove this one."""
    return success(tag_json(await merge_tags(tag_id, body.into_id, unit)))


@router.get("/leads/{lead_id}/tags")
async def get_lead_tags(lead_id: UUID, unit: Unit) -> Success[list[TagJson]]:
    return success([tag_json(tag) for tag in await tags_of(lead_id, unit)])


@router.put("/leads/{lead_id}/tags")
async def put_lead_tags(lead_id: UUID, body: LeadTagsBody, unit: Unit) -> Success[list[TagJson]]:
    """Let the lead carry these tags and no others."""
    return success([tag_json(tag) for tag in await put_tags(lead_id, frozenset(body.tag_ids), unit)])


def tag_json(tag: Tag) -> TagJson:
    return shown(TagJson, tag)
