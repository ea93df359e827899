"""/api/audit: who did what in the organisation, and who was refused what."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from crm.access import Needs, Unit
from crm.answers import followed_by, success
from crm.audit.model import AuditEntry
from crm.audit.store import AuditStore
from crm.permissions import Permission

router = APIRouter(prefix="/api/audit", dependencies=[Depends(Needs(Permission.AUDIT_READ))])


@router.get("")
async def get_audit(
    unit: Unit,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    action: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    user_id: UUID | None = None,
    refused: bool | None = None,
) -> JSONResponse:
    """List entries, the newest first; `next` is given back as `before` for the page behind."""
    async with unit:
        found = await AuditStore(unit).newest(before, limit + 1, action, user_id, refused)
    page = found[:limit]
    following = str(page[-1].id) if len(found) > limit else None
    return success([_shown(entry) for entry in page], pagination=followed_by(following, limit))


def _shown(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "user_id": entry.user_id,
        "key_id": entry.key_id,
        "action": entry.action,
        "status": entry.status,
        "target": entry.target,
        "asked": entry.asked,
        "changes": entry.changes,
        "address": entry.address,
        "agent": entry.agent,
        "request_id": entry.request_id,
    }
