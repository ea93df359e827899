"""/api/me: the person who is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from typing_extensions import TypedDict

from crm.access import Person, Unit
from crm.answers import Success, success
from crm.identity.me import read_me
from crm.permissions import Role

router = APIRouter(prefix="/api/me")


class MembershipJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["Bakery"])]
    role: Role


class MeJson(TypedDict):
    """`organisations` are those to switch to: POST /api/sessions/refresh with one's id."""

    user_id: UUID
    email: str
    full_name: str
    organisation_id: UUID
    role: Role
    organisations: list[MembershipJson]


@router.get("")
async def get_me(person: Person, unit: Unit) -> Success[MeJson]:
    me = await read_me(person, unit)
    return success(
        {
            "user_id": me.user.id,
            "email": me.user.email,
            "full_name": me.user.full_name,
            "organisation_id": person.org_id,
            "role": Role(person.role),
            "organisations": [
                {"id": organisation.id, "name": organisation.name, "role": Role(role)}
                for organisation, role in me.organisations
            ],
        }
    )
