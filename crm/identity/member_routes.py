"""/api/members: who belongs to the organisation, as what."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.identity.members import MemberChange, change_member, list_members, remove_member
from crm.identity.model import Member, MemberStatus, User
from crm.permissions import Permission, Role

router = APIRouter(prefix="/api/members")


class MemberBody(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    status: MemberStatus | None = None


class MemberJson(TypedDict):
    user_id: UUID
    email: str
    full_name: str
    role: Role
    status: MemberStatus
    created_at: datetime


@router.get("")
async def get_members(unit: Unit) -> Success[list[MemberJson]]:
    return success([_shown(member, user) for member, user in await list_members(unit)])


@router.patch("/{user_id}", dependencies=[Depends(Needs(Permission.MEMBERS_WRITE))])
async def patch_member(user_id: UUID, body: MemberBody, unit: Unit, held: Held) -> Success[MemberJson]:
    change = MemberChange(body.role, body.status)
    return success(_shown(*await change_member(user_id, change, held.standings, unit)))


@router.delete("/{user_id}", status_code=204, dependencies=[Depends(Needs(Permission.MEMBERS_WRITE))])
async def delete_member(user_id: UUID, unit: Unit, held: Held) -> None:
    await remove_member(user_id, held.standings, unit)


def _shown(member: Member, user: User) -> MemberJson:
    return {
        "user_id": member.user_id,
        "email": user.email,
        "full_name": user.full_name,
        "role": Role(member.role),
        "status": MemberStatus(member.status),
        "created_at": member.created_at,
    }
