"""/api/events/dead: an organisation's events that could not be applied. /internal/events: all, and replaying."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit, internal_caller
from crm.answers import Success, shown, success
from crm.billing.operator_routes import OrgUnit
from crm.calls.intake import Done
from crm.calls.model import Why
from crm.permissions import Permission
from crm.recovery.rebuild_span import Wanted, rebuild_span
from crm.recovery.replay import Span, replay
from crm.recovery.usecases import discard, list_dead, retry
from crm.unit_of_work import UnitOfWork

LIMIT_MAX: Final = 100
REPLAYED_MAX: Final = 200  # of one request: each may be a transaction
REBUILT_MAX: Final = 20  # calls of one request: each is a transaction of many rows

router = APIRouter()
NEEDS: Final = Depends(Needs(Permission.EVENTS_RETRY))
OPERATOR: Final = Depends(internal_caller)

Of = Annotated[UUID | None, Query(description="Of this call only.")]
Before = Annotated[UUID | None, Query(description="The id that the last page ended with.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]


class SpanBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stream: str = Field(pattern=r"^events:(0[0-9]|1[0-5])$")
    after: str = Field("0-0", pattern=r"^[0-9]{1,15}-[0-9]{1,15}$")
    until: str = Field("+", pattern=r"^(\+|[0-9]{1,15}(-[0-9]{1,15})?)$")
    call_id: UUID | None = None


class RebuildBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime | None = Field(None, alias="from", description="When the CRM stored the first of the events")
    until: AwareDatetime | None = None
    call_id: UUID | None = None
    after: UUID | None = None
    calls_decide: bool = False
    dry_run: bool = False


class DeadEventJson(TypedDict):
    id: UUID
    call_id: UUID | None
    stream: Annotated[str, Field(examples=["events:03"])]
    entry_id: Annotated[str, Field(examples=["1777896000000-0"])]
    why: Why
    cause: Annotated[str, Field(examples=["DataError"])]
    times: int
    at: datetime


class RetriedJson(TypedDict):
    id: UUID
    done: Done


@router.get("/api/events/dead", dependencies=[NEEDS])
async def get_dead(
    unit: Unit, call_id: Of = None, before: Before = None, limit: Limit = 20
) -> Success[list[DeadEventJson]]:
    """Events of calls that could not be applied, newest first; what they say is not shown."""
    found = await list_dead(unit, unit.org_id, call_id=call_id, before=before, limit=limit)
    return success([shown(DeadEventJson, letter) for letter in found])


@router.post("/api/events/dead/{letter_id}/retry", dependencies=[NEEDS])
async def post_retry(letter_id: UUID, unit: Unit, held: Held) -> Success[RetriedJson]:
    """Apply one now: `done` says what became of it."""
    done = await retry(letter_id, held.sessions, unit.org_id)
    return success({"id": letter_id, "done": done})


@router.delete("/api/events/dead/{letter_id}", status_code=204, dependencies=[NEEDS])
async def delete_dead(letter_id: UUID, unit: Unit) -> None:
    """Give one up for good."""
    await discard(letter_id, unit, unit.org_id)


@router.get("/internal/events/dead", include_in_schema=False, dependencies=[OPERATOR])
async def get_all_dead(held: Held, call_id: Of = None, before: Before = None, limit: Limit = 20) -> JSONResponse:
    found = await list_dead(UnitOfWork(held.sessions), None, call_id=call_id, before=before, limit=limit)
    return success([{**shown(DeadEventJson, letter), "org_id": letter.org_id} for letter in found])


@router.post("/internal/events/dead/{letter_id}/retry", include_in_schema=False, dependencies=[OPERATOR])
async def post_any_retry(letter_id: UUID, held: Held) -> JSONResponse:
    done = await retry(letter_id, held.sessions, None)
    return success({"id": letter_id, "done": done.value})


@router.delete("/internal/events/dead/{letter_id}", include_in_schema=False, dependencies=[OPERATOR])
async def delete_any_dead(letter_id: UUID, held: Held) -> JSONResponse:
    await discard(letter_id, UnitOfWork(held.sessions), None)
    return success({"id": letter_id})


@router.post("/internal/events/replay", include_in_schema=False, dependencies=[OPERATOR])
async def post_replay(body: SpanBody, held: Held) -> JSONResponse:
    """Offer entries of one stream again, a part of the span at a time: `next` is where the rest begins."""
    span = Span(body.stream, body.after, body.until, body.call_id, REPLAYED_MAX)
    replayed = await replay(span, held.sessions, held.redis)
    return success({"done": {done.value: count for done, count in replayed.done.items()}, "next": replayed.next})


@router.post("/internal/organisations/{org_id}/events/rebuild", include_in_schema=False, dependencies=[OPERATOR])
async def post_rebuild(body: RebuildBody, unit: OrgUnit, held: Held) -> JSONResponse:
    """Make what follows from stored events anew, a part of the calls at a time: `next` is where the rest begins."""
    wanted = Wanted(**body.model_dump(), limit=REBUILT_MAX)
    made = await rebuild_span(wanted, held.sessions, unit.org_id)
    return success(asdict(made) | {"changed": {part.value: rows for part, rows in made.changed.items()}})
