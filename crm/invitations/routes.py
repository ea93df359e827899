"""/api/invitations: asking people to join, and joining."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Person, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.identity.fields import Email, LinkToken, NewPassword, PersonName
from crm.invitations.model import Invitation
from crm.invitations.usecases import Asked, NewPerson, accept, invite, list_invitations, look_at, withdraw
from crm.permissions import Permission, Role

router = APIRouter(prefix="/api/invitations")
_guard = [Depends(Needs(Permission.MEMBERS_WRITE))]


class InvitationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email
    role: Role


class LinkBody(BaseModel):
    """The `token` of the link in the letter."""

    model_config = ConfigDict(extra="forbid")

    token: LinkToken


class AcceptBody(LinkBody):
    """Name and password of somebody who has none here yet."""

    full_name: PersonName | None = None
    password: NewPassword | None = None


class InvitationJson(TypedDict):
    id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class AskedJson(TypedDict):
    """`known`: the address has somebody here already, who gives no name and password."""

    organisation: Annotated[str, Field(examples=["Bakery"])]
    email: str
    role: Role
    known: bool


@router.post("", status_code=201, dependencies=_guard)
async def post_invitation(
    body: InvitationBody, person: Person, unit: Unit, held: Held, attempt: Attempted
) -> Success[InvitationJson]:
    made = await once(
        unit, attempt, lambda part: invite(body.email, body.role, person, held.tariff.plans, part), _shown
    )
    return success(made, status=201)


@router.get("", dependencies=_guard)
async def get_invitations(unit: Unit) -> Success[list[InvitationJson]]:
    return success([_shown(row) for row in await list_invitations(unit)])


@router.delete("/{invitation_id}", status_code=204, dependencies=_guard)
async def delete_invitation(invitation_id: UUID, unit: Unit) -> None:
    await withdraw(invitation_id, unit)


@router.post("/look")
async def post_look(body: LinkBody, held: Held) -> Success[AskedJson]:
    return success(_asked(await look_at(body.token, held.sessions, held.secret_key)))


@router.post("/accept", status_code=201)
async def post_accept(body: AcceptBody, held: Held) -> Success[AskedJson]:
    whole = body.full_name is not None and body.password is not None
    new = NewPerson(body.full_name or "", body.password or "") if whole else None
    asked = await accept(body.token, new, held.tariff.plans, held.sessions, held.secret_key)
    return success(_asked(asked), status=201)


def _asked(asked: Asked) -> AskedJson:
    return shown(AskedJson, asked)


def _shown(row: Invitation) -> InvitationJson:
    return shown(InvitationJson, row)
