"""/api/sessions: signing in, staying signed in, switching organisations, signing out here and elsewhere."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Request
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Person
from crm.answers import Success, success
from crm.identity import cookies
from crm.identity.sessions import SignedIn, end_all_sessions, end_session, list_sessions, refresh
from crm.identity.tokens import LIFETIME_S
from crm.identity.usecases import PASSWORD_CHARS_MAX, sign_in
from crm.permissions import Role
from crm.text_patterns import NO_NUL

router = APIRouter(prefix="/api/sessions")


class Credentials(BaseModel):
    email: str = Field(min_length=3, max_length=254, pattern=NO_NUL)
    password: str = Field(min_length=1, max_length=PASSWORD_CHARS_MAX)


class RefreshBody(BaseModel):
    """The organisation that the token is to be for; without it, the one of the last time."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: UUID | None = None


class SignedInJson(TypedDict):
    token: str
    expires_in_s: int
    organisation_id: UUID
    role: Role


class SessionJson(TypedDict):
    id: UUID
    current: bool
    agent: str
    address: Annotated[str, Field(examples=["198.51.100.7"])]
    created_at: datetime
    used_at: datetime
    expires_at: datetime


@router.post("", status_code=201)
async def post_session(body: Credentials, request: Request, held: Held) -> Success[SignedInJson]:
    device = cookies.device_of(request)
    most = held.sign_in_failures_max
    signed_in = await sign_in(body.email, body.password, held.sessions, held.secret_key, device, most)
    cookies.leave_refresh(request, signed_in)
    return success(_shown(signed_in), status=201)


@router.post("/refresh")
async def post_refresh(
    request: Request,
    held: Held,
    body: RefreshBody | None = None,
    token: Annotated[str, Cookie(alias=cookies.REFRESH, include_in_schema=False)] = "",
) -> Success[SignedInJson]:
    org_id = body.organisation_id if body is not None else None
    signed_in = await refresh(token, org_id, held.sessions, held.standings, held.secret_key)
    cookies.leave_refresh(request, signed_in)
    return success(_shown(signed_in))


@router.get("")
async def get_sessions(person: Person, held: Held) -> Success[list[SessionJson]]:
    return success(
        [
            {
                "id": row.id,
                "current": row.id == person.session_id,
                "agent": row.agent,
                "address": row.address,
                "created_at": row.created_at,
                "used_at": row.used_at,
                "expires_at": row.expires_at,
            }
            for row in await list_sessions(person, held.sessions)
        ]
    )


@router.delete("", status_code=204)
async def delete_sessions(request: Request, person: Person, held: Held) -> None:
    await end_all_sessions(person, held.sessions, held.standings)
    cookies.drop_both(request)


@router.delete("/current", status_code=204)
async def delete_current(request: Request, person: Person, held: Held) -> None:
    if person.session_id is not None:
        await end_session(person.session_id, person, held.sessions, held.standings)
    cookies.drop_both(request)


@router.delete("/{session_id}", status_code=204)
async def delete_session(session_id: UUID, person: Person, held: Held) -> None:
    await end_session(session_id, person, held.sessions, held.standings)


def _shown(signed_in: SignedIn) -> SignedInJson:
    return {
        "token": signed_in.token,
        "expires_in_s": LIFETIME_S,
        "organisation_id": signed_in.identity.org_id,
        "role": Role(signed_in.identity.role),
    }
