"""The pages that letters lead to: joining, a new password, unlocking. Nobody is signed in here.

Opening a link does nothing: mail programs open links to look at them. What it is for is done by the page's button.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from crm.access import Held
from crm.identity.password_rules import CHARS_MAX, CHARS_MIN
from crm.identity.passwords import PasswordRefused, ask_for_reset, reset_password, whose_reset
from crm.identity.usecases import unlock
from crm.invitations.usecases import NewPerson, accept, ask_for_another, look_at
from crm.mail.links import TOKEN_CHARS_MAX
from crm.pages.rendering import own_origin, render
from crm.problems import KINDS
from crm.refusals import Refusal
from crm.text_patterns import NO_NUL

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Form(max_length=TOKEN_CHARS_MAX)]
Password = Annotated[str, Form(max_length=CHARS_MAX)]
_forms = [Depends(own_origin)]
_NEW_LINK: Final = {"path": "/forgot-password", "label": "Ask for a new one"}
_SIGN_IN: Final = {"path": "/sign-in", "label": "Sign in"}


@router.get("/invitation")
async def get_invitation(request: Request, held: Held, token: str = "") -> Response:
    try:
        asked = await look_at(token[:TOKEN_CHARS_MAX], held.sessions, held.secret_key)
    except Refusal as refusal:
        return _dead_invitation(request, refusal, token)
    return render(request, "invitation.html", {"asked": asked, "token": token, "chars_min": CHARS_MIN})


@router.post("/invitation", dependencies=_forms)
async def post_invitation(
    request: Request,
    held: Held,
    token: Token,
    full_name: Annotated[str, Form(max_length=100)] = "",
    password: Password = "",
) -> Response:
    name = " ".join(full_name.split())
    new = NewPerson(name, password) if name and password else None
    try:
        await accept(token, new, held.tariff.plans, held.sessions, held.secret_key)
    except PasswordRefused as refused:
        asked = await look_at(token, held.sessions, held.secret_key)
        context = {"asked": asked, "token": token, "full_name": name, "chars_min": CHARS_MIN}
        return render(request, "invitation.html", {**context, **refused.details}, status=400)
    except Refusal as refusal:
        return _dead_invitation(request, refusal, token)
    return RedirectResponse("/sign-in?joined=1", 303)


@router.post("/invitation/another", dependencies=_forms)
async def post_another(request: Request, held: Held, token: Token = "") -> Response:
    await ask_for_another(token, held.sessions, held.secret_key)
    text = "Whoever invited you has been told, if the link was one of ours. A new one comes by mail."
    return render(request, "message.html", {"title": "A new link is asked for", "text": text})


@router.get("/forgot-password")
async def get_forgot(request: Request) -> Response:
    return render(request, "forgot.html", {})


@router.post("/forgot-password", dependencies=_forms)
async def post_forgot(
    request: Request, held: Held, email: Annotated[str, Form(max_length=254, pattern=NO_NUL)]
) -> Response:
    await ask_for_reset(email.replace("\0", "").strip().lower(), held.sessions)
    text = "If somebody has this address here, a letter with a link is on its way. It is good for an hour."
    return render(request, "message.html", {"title": "Look into your mail", "text": text})


@router.get("/reset-password")
async def get_reset(request: Request, held: Held, token: str = "") -> Response:
    try:
        user = await whose_reset(token[:TOKEN_CHARS_MAX], held.sessions, held.secret_key)
    except Refusal as refusal:
        return _dead_link(request, refusal)
    return render(request, "reset.html", {"email": user.email, "token": token, "chars_min": CHARS_MIN})


@router.post("/reset-password", dependencies=_forms)
async def post_reset(request: Request, held: Held, token: Token, password: Password) -> Response:
    try:
        await reset_password(token, password, held.sessions, held.standings, held.secret_key)
    except PasswordRefused as refused:
        user = await whose_reset(token, held.sessions, held.secret_key)
        context = {"email": user.email, "token": token, "chars_min": CHARS_MIN}
        return render(request, "reset.html", {**context, **refused.details}, status=400)
    except Refusal as refusal:
        return _dead_link(request, refusal)
    text = "Your new password is set, and you are signed out everywhere."
    return render(request, "message.html", {"title": "Done", "text": text, "action": _SIGN_IN})


@router.get("/unlock")
async def get_unlock(request: Request, token: str = "") -> Response:
    return render(request, "unlock.html", {"token": token[:TOKEN_CHARS_MAX]})


@router.post("/unlock", dependencies=_forms)
async def post_unlock(request: Request, held: Held, token: Token) -> Response:
    try:
        await unlock(token, held.sessions, held.secret_key)
    except Refusal as refusal:
        text = "The lock ended meanwhile, or the link was not copied whole. A lock lasts 15 minutes at most."
        context = {"title": "This link is of no use any more", "text": text, "action": _SIGN_IN}
        return render(request, "message.html", context, status=KINDS[refusal.code].status)
    text = "You may sign in again."
    return render(request, "message.html", {"title": "Unlocked", "text": text, "action": _SIGN_IN})


def _dead_invitation(request: Request, refusal: Refusal, token: str) -> Response:
    kind = KINDS[refusal.code]
    another = {"path": "/invitation/another", "label": "Ask for a new one", "token": token[:TOKEN_CHARS_MAX]}
    context = {"title": "This invitation cannot be used", "text": f"{kind.title}.", "post": another}
    return render(request, "message.html", context, status=kind.status)


def _dead_link(request: Request, refusal: Refusal) -> Response:
    kind = KINDS[refusal.code]
    context = {"title": "This link cannot be used", "text": f"{kind.title}.", "action": _NEW_LINK}
    return render(request, "message.html", context, status=kind.status)
