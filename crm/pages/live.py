"""The pages by which people meet live calls, /live and /phone, and what their scripts ask of the CRM.

Sound, commands and news go between the page and the call's voice node (docs/guides/people-on-calls.md); the CRM tells
which calls there are, and lets people in by a ticket. A page may connect to the nodes that were alive when it was
loaded, and to nothing else: for a call at a newer node it loads itself again.
"""

import re
import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from crm.access import Held, VisitorUnit
from crm.access import Visitor as Asker
from crm.answers import Success, shown, success
from crm.calls.live_list import LiveCallJson, list_live
from crm.calls.nodes import RedisAway
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.calls.usecases import hang_up
from crm.notes.usecases import add_note
from crm.pages.rendering import own_origin, render
from crm.pages.visitor import Visitor
from crm.people_on_calls.usecases import issue_ticket
from crm.permissions import Permission, may, require
from crm.queues.attendance import issue_attendance, list_attendance
from crm.queues.attendance_routes import AttendingJson
from crm.text_patterns import NO_NUL
from events.ticket import Seat
from events.wire import NodeReport

NOTE_CHARS_MAX: Final = 10_000
# What may stand in a policy: an address out of Redis must not say more than where a node is.
_ORIGIN: Final = re.compile(r"wss?://[a-z0-9.\-\[\]:]+", re.IGNORECASE)

router = APIRouter(include_in_schema=False)
_writes = [Depends(own_origin)]


class SeatBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seat: Seat


class NoteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_CHARS_MAX, pattern=NO_NUL),
    ]


@router.get("/live")
async def get_live(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return await _page(request, "live.html", visitor.role, held)


@router.get("/phone")
async def get_phone(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return await _page(request, "phone.html", visitor.role, held)


@router.get("/people/calls")
async def get_calls(visitor: Asker, unit: VisitorUnit) -> Success[list[LiveCallJson]]:
    answer: Success[list[LiveCallJson]] = success(await list_live(unit))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/people/calls/{call_id}/ticket", dependencies=_writes)
async def post_ticket(call_id: UUID, body: SeatBody, visitor: Asker, unit: VisitorUnit, held: Held) -> Response:
    issued = await issue_ticket(call_id, body.seat, visitor, unit, held.nodes, held.secret_key, time.time())
    answer = success({"ticket": issued.token, "address": issued.address}, status=201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/people/availability/ticket", dependencies=_writes)
async def post_attendance(visitor: Asker, unit: VisitorUnit, held: Held) -> Response:
    issued = await issue_attendance(visitor, unit, held.nodes, held.secret_key, time.time())
    answer = success({"ticket": issued.token, "address": issued.address}, status=201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/people/availability")
async def get_attendance(visitor: Asker, unit: VisitorUnit, held: Held) -> Success[list[AttendingJson]]:
    people = [shown(AttendingJson, one) for one in await list_attendance(unit, held.redis)]
    answer: Success[list[AttendingJson]] = success(people)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/people/calls/{call_id}/hang-up", dependencies=_writes)
async def post_hang_up(call_id: UUID, visitor: Asker, unit: VisitorUnit, held: Held) -> Response:
    require(visitor.role, Permission.CALLS_JOIN)
    state, confirmed = await hang_up(call_id, unit, held.nodes)
    return success({"state": state, "confirmed": confirmed}, status=202)


@router.post("/people/calls/{call_id}/notes", dependencies=_writes)
async def post_note(call_id: UUID, body: NoteBody, visitor: Asker, unit: VisitorUnit) -> Response:
    """Write a note about the lead that the call is with."""
    async with unit:
        call = await CallStore(unit).get(call_id)
    if call is None:
        raise CallNotFound(call_id)
    note = await add_note(call.lead_id, body.text, visitor, unit)
    return success({"id": note.id}, status=201)


async def _page(request: Request, template: str, role: str, held: Held) -> HTMLResponse:
    try:
        nodes = await held.nodes.reports()
    except RedisAway:
        nodes = []  # the page says of each call that it cannot be reached
    context: dict[str, Any] = {
        "nodes": (origins := origins_of(nodes)),
        "listens": may(role, Permission.CALLS_LISTEN),
        "joins": may(role, Permission.CALLS_JOIN),
    }
    return render(request, template, context, connects=origins)


def origins_of(nodes: Iterable[NodeReport]) -> Sequence[str]:
    """Return where the nodes take people, as a page's policy names them."""
    parts = [urlsplit(node.people) for node in nodes if node.people]
    found = {f"{part.scheme}://{part.netloc}" for part in parts}
    return sorted(origin for origin in found if _ORIGIN.fullmatch(origin))
