"""/api/audit: who did what in the organisation, and who was refused what."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Following, followed_by, shown, success
from crm.audit.store import AuditStore
from crm.permissions import Permission
from crm.text_patterns import NO_NUL

router = APIRouter(prefix="/api/audit", dependencies=[Depends(Needs(Permission.AUDIT_READ))])


class ChangeJson(TypedDict):
    """A row that was changed: by field, what was there before and what after."""

    table: Annotated[str, Field(examples=["members"])]
    id: str
    fields: dict[str, tuple[Any, Any]]


class EntryJson(TypedDict):
    id: UUID
    at: datetime
    user_id: UUID
    key_id: UUID | None
    action: Annotated[str, Field(examples=["PATCH /api/members/{user_id}"])]
    status: Annotated[int, Field(examples=[200])]
    target: dict[str, Any]
    asked: dict[str, Any]
    changes: list[ChangeJson]
    address: Annotated[str, Field(examples=["198.51.100.7"])]
    agent: str
    request_id: str


@router.get("")
async def get_audit(
    unit: Unit,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    action: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    user_id: UUID | None = None,
    refused: bool | None = None,
) -> Following[EntryJson]:
    """List entries, the newest first; `next` is given back as `before` for the page behind."""
    async with unit:
        found = await AuditStore(unit).newest(before, limit + 1, action, user_id, refused)
    page = found[:limit]
    following = str(page[-1].id) if len(found) > limit else None
    return success([shown(EntryJson, entry) for entry in page], pagination=followed_by(following, limit))
