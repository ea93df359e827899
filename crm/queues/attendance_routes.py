"""/api/availability: who takes calls now. /api/me/availability/ticket: letting oneself in to take them."""

import time
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from typing_extensions import TypedDict

from crm.access import Held, Unit
from crm.answers import Success, shown, success
from crm.people_on_calls.routes import Joiner, TicketJson
from crm.queues.attendance import issue_attendance, list_attendance
from events.attendance import Availability

router = APIRouter(prefix="/api")


class AttendingJson(TypedDict):
    user_id: UUID
    name: Annotated[str, Field(examples=["Ada"])]
    availability: Availability
    since: Annotated[datetime | None, Field(description="When their last call ended, or they became ready")]


@router.get("/availability")
async def get_availability(unit: Unit, held: Held) -> Success[list[AttendingJson]]:
    """Everybody who may take calls, and whether they would now."""
    return success([shown(AttendingJson, one) for one in await list_attendance(unit, held.redis)])


@router.post("/me/availability/ticket", status_code=201)
async def post_ticket(person: Joiner, unit: Unit, held: Held) -> Success[TicketJson]:
    """Let one's page attend, so that callers are offered to it."""
    issued = await issue_attendance(person, unit, held.nodes, held.secret_key, time.time())
    told: TicketJson = {"ticket": issued.token, "address": issued.address, "expires_at": issued.ticket.expires_at}
    answer = success(told, status=201)
    answer.headers["Cache-Control"] = "no-store"
    return answer
