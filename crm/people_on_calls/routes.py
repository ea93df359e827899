"""/api/calls/{id}/ticket: the way of a person to a live call."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.identity.tokens import Identity
from crm.people_on_calls.usecases import issue_ticket
from crm.permissions import Permission
from events.ticket import Seat

router = APIRouter(prefix="/api/calls/{call_id}/ticket")

Joiner = Annotated[Identity, Depends(Needs(Permission.CALLS_JOIN))]


class TicketBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seat: Seat


class TicketJson(TypedDict):
    ticket: str
    address: Annotated[str, Field(examples=["wss://voice-1.example.com/n/voice-1/people"])]
    expires_at: Annotated[int, Field(description="Seconds since 1970", examples=[1777896060])]


@router.post("", status_code=201)
async def post_ticket(call_id: UUID, body: TicketBody, person: Joiner, unit: Unit, held: Held) -> Success[TicketJson]:
    """Let oneself into a live call, as a `rep` or, to listen in, as a `supervisor`."""
    issued = await issue_ticket(call_id, body.seat, person, unit, held.nodes, held.secret_key, time.time())
    told: TicketJson = {"ticket": issued.token, "address": issued.address, "expires_at": issued.ticket.expires_at}
    answer = success(told, status=201)
    answer.headers["Cache-Control"] = "no-store"
    return answer
