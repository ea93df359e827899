"""The cookies of a session: out of reach of scripts, and of forms and pages of other sites.

They are added to whatever answer the request gets (see request_context), an error too: a refresh token that was
exchanged on the way and lost would end the session.
"""

from typing import Final

from fastapi import Request, Response

from crm.identity.refresh_tokens import LIFETIME
from crm.identity.sessions import Device, SignedIn
from crm.identity.tokens import LIFETIME_S

ACCESS: Final = "salesos_session"  # the pages' access token; programs send theirs as a bearer
REFRESH: Final = "salesos_refresh"


def leave_refresh(request: Request, signed_in: SignedIn) -> None:
    _leave(request, REFRESH, signed_in.refresh_token, int(LIFETIME.total_seconds()))


def leave_both(request: Request, signed_in: SignedIn) -> None:
    leave_refresh(request, signed_in)
    _leave(request, ACCESS, signed_in.token, LIFETIME_S)


def drop_both(request: Request) -> None:
    for name in (REFRESH, ACCESS):
        _leave(request, name, "", 0)


def device_of(request: Request) -> Device:
    agent = "".join(sign for sign in request.headers.get("user-agent", "") if sign.isprintable())
    return Device(agent, request.client.host if request.client is not None else "")


def _leave(request: Request, name: str, value: str, max_age_s: int) -> None:
    bearer = Response()
    secure = request.url.scheme == "https"
    bearer.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite="strict", secure=secure)
    made = [header for header in bearer.raw_headers if header[0] == b"set-cookie"]
    left: list[tuple[bytes, bytes]] = request.scope.setdefault("state", {}).setdefault("cookies", [])
    left += made
