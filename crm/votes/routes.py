"""/api/votes: thumbs up or down on what models made, and the data set of them."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Needs, Person, Unit
from crm.answers import Success, success
from crm.permissions import Permission
from crm.text_patterns import NO_NUL
from crm.votes import usecases
from crm.votes.model import Generation, Vote

COMMENT_CHARS_MAX: Final = 1_000
PAGE_MAX: Final = 500
LINES: Final = "application/x-ndjson"

router = APIRouter(prefix="/api/votes")


class VoteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    vote: Literal["up", "down"]
    comment: str = Field("", max_length=COMMENT_CHARS_MAX, pattern=NO_NUL)


class VoteJson(TypedDict):
    kind: Generation
    generation_id: UUID
    call_id: UUID
    vote: Literal["up", "down"]
    comment: str
    updated_at: datetime


@router.get("/export", response_class=Response, dependencies=[Depends(Needs(Permission.VOTES_EXPORT))])
async def get_export(
    unit: Unit,
    after: UUID = usecases.NOWHERE,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
) -> Response:
    """One JSON object a line; the header X-Next-After names where the next page begins, on all but the last."""
    found = await usecases.export(after, limit, unit)
    body = b"".join(msgspec.json.encode(line) + b"\n" for line in found.lines)
    headers = {} if found.next is None else {"X-Next-After": str(found.next)}
    return Response(body, media_type=LINES, headers=headers)


@router.put("/{kind}/{generation_id}")
async def put_vote(
    kind: Generation, generation_id: UUID, body: VoteBody, person: Person, unit: Unit
) -> Success[VoteJson]:
    value = usecases.UP if body.vote == "up" else usecases.DOWN
    return success(vote_json(await usecases.vote(kind, generation_id, value, body.comment, person, unit)))


@router.delete("/{kind}/{generation_id}", status_code=204)
async def delete_vote(kind: Generation, generation_id: UUID, person: Person, unit: Unit) -> None:
    await usecases.take_back(kind, generation_id, person, unit)


def vote_json(vote: Vote) -> VoteJson:
    return {
        "kind": Generation(vote.kind),
        "generation_id": vote.generation_id,
        "call_id": vote.call_id,
        "vote": "up" if vote.vote == usecases.UP else "down",
        "comment": vote.comment,
        "updated_at": vote.updated_at,
    }
