"""The plain pages: sign in, calls as they happen, one call with its transcript. Rendered here, no build step.

They use the same use cases as the API. A session is a cookie that scripts cannot read and other sites cannot
send; the pages load nothing from anywhere else.
"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from crm.access import Held, guard, person_by_cookie
from crm.billing.ledger import Ledger
from crm.calls.dial import DialRequest
from crm.calls.recordings import link_to
from crm.calls.summary import headline, summarise
from crm.calls.usecases import list_calls
from crm.identity import cookies
from crm.identity.sessions import NotSignedIn, SessionNotFound, end_session
from crm.identity.tokens import Identity
from crm.identity.usecases import PASSWORD_CHARS_MAX, SignInFailed, sign_in
from crm.leads.routes import lead_json, task_json
from crm.leads.usecases import list_leads, read_lead
from crm.pages.view import as_clock, as_credits, as_words, charts, split_heard
from crm.problems import KINDS
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

HERE: Final = Path(__file__).parent
CALLS_SHOWN: Final = 20
LEADS_SHOWN: Final = 50
LEDGER_LINES_SHOWN: Final = 20
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # With no-referrer browsers send forms with "Origin: null", and nobody could sign in.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class ForeignForm(Refusal):
    """The form was sent from another site's page."""

    def __init__(self) -> None:
        super().__init__("forbidden")


class NeedsSignIn(Exception):
    """A page was asked for without a session."""


def _own_origin(request: Request) -> None:
    """Raises ForeignForm. Browsers name the origin of every form they send."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignForm


@guard
async def _visitor(request: Request, held: Held) -> Identity:
    try:
        return await person_by_cookie(request, held)
    except NotSignedIn:
        raise NeedsSignIn from None


Visitor = Annotated[Identity, Depends(_visitor)]

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(HERE / "templates")
_templates.env.filters |= {"credits": as_credits, "clock": as_clock, "words": as_words}
_templates.env.globals["split_heard"] = split_heard


def add_pages(app: FastAPI) -> None:
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_exception_handler(NeedsSignIn, _to_sign_in)


@router.get("/sign-in")
async def get_sign_in(request: Request) -> HTMLResponse:
    return _page(request, "sign_in.html", {"failed": False})


@router.post("/sign-in", dependencies=[Depends(_own_origin)])
async def post_sign_in(
    request: Request,
    held: Held,
    email: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=PASSWORD_CHARS_MAX)],
) -> Response:
    try:
        device = cookies.device_of(request)
        signed_in = await sign_in(email, password, held.sessions, held.secret_key, device)
    except SignInFailed:
        return _page(request, "sign_in.html", {"failed": True}, status=401)
    cookies.leave_both(request, signed_in)
    return RedirectResponse("/", 303)


@router.post("/sign-out", dependencies=[Depends(_own_origin)])
async def post_sign_out(request: Request, held: Held) -> Response:
    # Whose session is over already is signed out as well.
    with suppress(NotSignedIn, SessionNotFound):
        visitor = await person_by_cookie(request, held)
        assert visitor.session_id is not None, "visitors hold sessions"
        await end_session(visitor.session_id, visitor, held.sessions)
    cookies.drop_both(request)
    return RedirectResponse("/sign-in", 303)


@router.get("/")
async def get_home(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return await _home(request, visitor, held)


@router.get("/fragments/calls")
async def get_calls_fragment(request: Request, visitor: Visitor, held: Held) -> HTMLResponse:
    return _page(request, "_calls.html", await _calls(UnitOfWork(held.sessions, visitor.org_id)))


@router.post("/call", dependencies=[Depends(_own_origin)])
async def post_call(request: Request, visitor: Visitor, held: Held, lead_id: Annotated[UUID, Form()]) -> Response:
    try:
        answer = await held.dialler.dial(DialRequest(lead_id=lead_id), visitor.org_id)
    except Refusal as refusal:
        kind = KINDS[refusal.code]
        return await _home(request, visitor, held, fault=kind.title, status=kind.status)
    return RedirectResponse(f"/calls/{answer.call_id}", 303)


@router.get("/calls/{call_id}")
async def get_call(request: Request, call_id: UUID, visitor: Visitor, held: Held) -> HTMLResponse:
    return _page(request, "call.html", await _call(call_id, UnitOfWork(held.sessions, visitor.org_id)))


@router.get("/fragments/calls/{call_id}")
async def get_call_fragment(request: Request, call_id: UUID, visitor: Visitor, held: Held) -> HTMLResponse:
    return _page(request, "_call.html", await _call(call_id, UnitOfWork(held.sessions, visitor.org_id)))


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
        "leads": [lead_json(lead) for lead in found.leads],
        "lead_total": found.total,
    }
    return _page(request, "home.html", context | await _calls(unit), status=status)


async def _calls(unit: UnitOfWork) -> dict[str, Any]:
    found = await list_calls(unit, limit=CALLS_SHOWN)
    async with unit:
        balances = await Ledger(unit).balances()
    return {
        "calls": [headline(call, lead) for call, lead in found.calls],
        "balances": {kind.value: balance for kind, balance in balances.items()},
    }


async def _call(call_id: UUID, unit: UnitOfWork) -> dict[str, Any]:
    call = await summarise(call_id, unit)
    lead, tasks = await read_lead(call["lead"]["id"], unit)
    return {
        "call": call,
        "lead": lead_json(lead),
        "tasks": [task_json(task) for task in tasks],
        "charts": charts(call["waterfall"]),
        "transactions": call["transactions"][:LEDGER_LINES_SHOWN],
    }


async def _to_sign_in(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/sign-in", 303)


def _page(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    return _templates.TemplateResponse(request, template, context, status_code=status, headers=HEADERS)
