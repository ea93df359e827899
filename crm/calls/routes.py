"""/api/calls: placing, following and ending calls."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator

from crm.access import Held, Person, Unit
from crm.answers import PAGE_MAX, PAGES_MAX, Paged, Success, page_of, success
from crm.calls.dial import DialAnswer, DialRequest
from crm.calls.shown import CallJson, EventsJson, HeadlineJson, HungUpJson, PlacedJson
from crm.calls.summary import headline, summarise
from crm.calls.usecases import event_json, events_after, hang_up, list_calls
from crm.idempotency.keys import Attempt, fingerprint_of
from crm.idempotency.writes import Key

AFTER_PATTERN: Final = r"^\d{1,9}:\d{1,15}$"

NOT_TAKEN_YET: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Success[PlacedJson], "description": "No voice node has answered yet"}
}
NOT_CONFIRMED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Success[HungUpJson], "description": "Its node has not confirmed it yet"}
}

router = APIRouter()


class CallBody(BaseModel):
    """Either a lead or a number; a number without a lead makes one."""

    lead_id: UUID | None = None
    to: str | None = Field(None, min_length=1, max_length=40)
    agent_id: UUID | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.lead_id is None) == (self.to is None):
            raise ValueError("give either lead_id or to")
        if self.to is not None and "\x00" in self.to:
            raise ValueError("to must not contain the NUL character")
        return self


@router.post(
    "/api/calls",
    status_code=201,
    responses=NOT_TAKEN_YET,
)
@router.post("/calls", status_code=201, include_in_schema=False)
async def post_call(body: CallBody, person: Person, held: Held, idempotency_key: Key = None) -> Success[PlacedJson]:
    attempt = None
    if idempotency_key is not None:
        attempt = Attempt(idempotency_key, fingerprint_of(body.model_dump()))
    request = DialRequest(body.lead_id, body.to, body.agent_id, attempt)
    return call_answer(await held.dialler.dial(request, person.org_id))


@router.get("/api/calls")
async def get_calls(
    unit: Unit,
    page: Annotated[int, Query(ge=1, le=PAGES_MAX)] = 1,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
) -> Paged[HeadlineJson]:
    found = await list_calls(unit, page=page, limit=limit)
    calls = [headline(call, lead) for call, lead in found.calls]
    return success(calls, pagination=page_of(page, limit, found.total))


@router.get("/api/calls/{call_id}")
async def get_call(call_id: UUID, unit: Unit) -> Success[CallJson]:
    return success(await summarise(call_id, unit))


@router.get("/api/calls/{call_id}/events")
async def get_events(
    call_id: UUID, unit: Unit, after: Annotated[str, Query(pattern=AFTER_PATTERN)] = "0:0"
) -> Success[EventsJson]:
    epoch, _, seq = after.partition(":")
    call, events = await events_after(call_id, (int(epoch), int(seq)), unit)
    told = [event_json(event) for event in events]
    return success({"events": told, "next": told[-1]["id"] if told else after, "closed": call.closed})


@router.post(
    "/api/calls/{call_id}/hangup",
    responses=NOT_CONFIRMED,
)
async def post_hang_up(call_id: UUID, unit: Unit, held: Held) -> Success[HungUpJson]:
    state, confirmed = await hang_up(call_id, unit, held.nodes)
    return success({"call_id": call_id, "state": state}, status=200 if confirmed else 202)


def call_answer(answer: DialAnswer) -> Success[PlacedJson]:
    """201 when a voice node has taken the call, 202 when none has answered yet."""
    data: PlacedJson = {"call_id": answer.call_id, "lead_id": answer.lead_id, "state": answer.state}
    return success(data, status=201 if answer.confirmed else 202)
