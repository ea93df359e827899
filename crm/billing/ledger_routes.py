"""/internal/ledger/replay: every organisation's ledger replayed, a page at a time, for the operator."""

from dataclasses import asdict
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from crm.access import Held, internal_caller
from crm.answers import success
from crm.billing.replay import organisations_after, replay_and_note

AT_ONCE: Final = 20

router = APIRouter(include_in_schema=False, dependencies=[Depends(internal_caller)])


@router.post("/internal/ledger/replay")
async def post_replay(
    held: Held, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=AT_ONCE)] = AT_ONCE
) -> JSONResponse:
    """Replay the next organisations; `next` is the last one's id, null behind the last."""
    orgs = await organisations_after(held.sessions, after, limit)
    differing = [
        {"org_id": org_id, "differences": [asdict(one) for one in found]}
        for org_id in orgs
        if (found := await replay_and_note(org_id, held.sessions))
    ]
    return success({"replayed": len(orgs), "differing": differing, "next": orgs[-1] if len(orgs) == limit else None})
