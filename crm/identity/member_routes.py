"""/api/members: who belongs to the organisation, as what."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from crm.access import Held, Needs, Unit
from crm.answers import success
from crm.identity.members import MemberChange, change_member, list_members, remove_member
from crm.identity.model import Member, MemberStatus, User
from crm.permissions import Permission, Role

router = APIRouter(prefix="/api/members")


class MemberBody(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    status: MemberStatus | None = None


@router.get("")
async def get_members(unit: Unit) -> JSONResponse:
    return success([_shown(member, user) for member, user in await list_members(unit)])


@router.patch("/{user_id}", dependencies=[Depends(Needs(Permission.MEMBERS_WRITE))])
async def patch_member(user_id: UUID, body: MemberBody, unit: Unit, held: Held) -> JSONResponse:
    change = MemberChange(body.role, body.status)
    return success(_shown(*await change_member(user_id, change, held.standings, unit)))


@router.delete("/{user_id}", status_code=204, dependencies=[Depends(Needs(Permission.MEMBERS_WRITE))])
async def delete_member(user_id: UUID, unit: Unit, held: Held) -> None:
    await remove_member(user_id, held.standings, unit)


def _shown(member: Member, user: User) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "email": user.email,
        "full_name": user.full_name,
        "role": member.role,
        "status": member.status,
        "created_at": member.created_at,
    }
