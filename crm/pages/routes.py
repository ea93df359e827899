"""The plain pages: sign in, calls as they happen, one call with its transcript. Rendered here, no build step.

They use the same use cases as the API. A session is a cookie that scripts cannot read and other sites cannot
send; the pages load nothing from anywhere else.
"""

from contextlib import suppress
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from crm.access import Held, person_by_cookie
from crm.billing.ledger import Ledger
from crm.calls.dial import DialRequest
from crm.calls.recordings import link_to
from crm.calls.slots import held_for_calls
from crm.calls.summary import headline, summarise
from crm.calls.usecases import newest_calls
from crm.identity import cookies
from crm.identity.attempts import SignInLater
from crm.identity.sessions import NotSignedIn, SessionNotFound, end_session
from crm.identity.tokens import Identity
from crm.identity.usecases import PASSWORD_CHARS_MAX, SignInFailed, sign_in
from crm.leads.showing import lead_json, leads_json
from crm.leads.usecases import list_leads, read_lead
from crm.pages import dialling, live, people
from crm.pages.rendering import HERE, own_origin, render
from crm.pages.view import charts
from crm.pages.visitor import Visitor, add_way_to_sign_in
from crm.problems import KINDS
from crm.refusals import Refusal
from crm.tasks.showing import task_json
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork

CALLS_SHOWN: Final = 20
LEADS_SHOWN: Final = 50
LEDGER_LINES_SHOWN: Final = 20


router = APIRouter(include_in_schema=False)


def add_pages(app: FastAPI) -> None:
    app.include_router(router)
    app.include_router(people.router)
    app.include_router(live.router)
    app.include_router(dialling.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    add_way_to_sign_in(app)


@router.get("/sign-in")
async def get_sign_in(request: Request, joined: bool = False) -> HTMLResponse:
    return render(request, "sign_in.html", {"joined": joined})


@router.post("/sign-in", dependencies=[Depends(own_origin)])
async def post_sign_in(
    request: Request,
    held: Held,
    email: Annotated[str, Form(max_length=254, pattern=NO_NUL)],
    password: Annotated[str, Form(max_length=PASSWORD_CHARS_MAX)],
) -> Response:
    try:
        device = cookies.device_of(request)
        most = held.sign_in_failures_max
        signed_in = await sign_in(email, password, held.sessions, held.secret_key, device, most)
    except (SignInFailed, SignInLater) as refusal:
        kind = KINDS[refusal.code]
        return render(request, "sign_in.html", {"fault": kind.title}, status=kind.status)
    cookies.leave_both(request, signed_in)
    return RedirectResponse("/", 303)


@router.post("/sign-out", dependencies=[Depends(own_origin)])
async def post_sign_out(request: Request, held: Held) -> Response:
    # Whose session is over already is signed out as well.
    with suppress(NotSignedIn, SessionNotFound):
        visitor = await person_by_cookie(request, held)
        assert visitor.session_id is not None, "visitors hold sessions"
        await end_session(visitor.session_id, visitor, held.sessions, held.standings)
    cookies.drop_both(request)
    return RedirectResponse("/sign-in", 303)


@router.get("/")
async def get_home(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return await _home(request, visitor, held)


@router.get("/fragments/calls")
async def get_calls_fragment(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return render(request, "_calls.html", await _calls(UnitOfWork(held.sessions, visitor.org_id)))


@router.post("/call", dependencies=[Depends(own_origin)])
async def post_call(request: Request, visitor: Visitor, held: Held, lead_id: Annotated[UUID, Form()]) -> Response:
    try:
        answer = await held.dialler.dial(DialRequest(lead_id=lead_id), visitor.org_id)
    except Refusal as refusal:
        kind = KINDS[refusal.code]
        return await _home(request, visitor, held, fault=kind.title, status=kind.status)
    return RedirectResponse(f"/calls/{answer.call_id}", 303)


@router.get("/calls/{call_id}")
async def get_call(request: Request, call_id: UUID, visitor: Visitor, held: Held) -> HTMLResponse:
    return render(request, "call.html", await _call(call_id, UnitOfWork(held.sessions, visitor.org_id)))


@router.get("/fragments/calls/{call_id}")
async def get_call_fragment(request: Request, call_id: UUID, visitor: Visitor, held: Held) -> HTMLResponse:
    return render(request, "_call.html", await _call(call_id, UnitOfWork(held.sessions, visitor.org_id)))


@router.get("/calls/{call_id}/recording")
async def get_recording(call_id: UUID, visitor: Visitor, held: Held) -> Response:
    """A fixed address for the player; the expiring one behind it is made anew each time."""
    return RedirectResponse(await link_to(call_id, UnitOfWork(held.sessions, visitor.org_id), held.secret_key), 302)


async def _home(
    request: Request, visitor: Identity, held: Held, fault: str | None = None, status: int = 200
) -> HTMLResponse:
    unit = UnitOfWork(held.sessions, visitor.org_id)
    found = await list_leads(unit, limit=LEADS_SHOWN)
    context = {
        "email": visitor.email,
        "fault": fault,
        "leads": leads_json(found.leads, found.tags),
        "lead_total": found.total,
    }
    return render(request, "home.html", context | await _calls(unit), status=status)


async def _calls(unit: UnitOfWork) -> dict[str, Any]:
    """What each open page asks for once a second: nothing in it may grow with the organisation's past."""
    found = await newest_calls(unit, CALLS_SHOWN)
    async with unit:
        wallet, kept = await Ledger(unit).wallet(), await held_for_calls(unit)
    return {"calls": [headline(call, lead) for call, lead in found], "wallet": wallet, "held": kept}


async def _call(call_id: UUID, unit: UnitOfWork) -> dict[str, Any]:
    call = await summarise(call_id, unit)
    read = await read_lead(call["lead"]["id"], unit)
    return {
        "call": call,
        "lead": lead_json(read.lead, read.tags),
        "tasks": [task_json(task) for task in read.tasks],
        "charts": charts(call["waterfall"]),
        "transactions": call["transactions"][:LEDGER_LINES_SHOWN],
    }
