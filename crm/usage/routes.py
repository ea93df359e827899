"""/internal/usage: how our count stands against the vendors', for the operator (`salesos usage`). No tenant's."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from crm.access import Held, internal_caller
from crm.answers import success
from crm.usage.model import Reconciliation
from crm.usage.reconcile import list_reconciliations

DAYS_MAX: Final = 366

router = APIRouter(dependencies=[Depends(internal_caller)])


@router.get("/internal/usage", include_in_schema=False)
async def get_usage(held: Held, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 7) -> JSONResponse:
    return success([_shown(row) for row in await list_reconciliations(held.sessions, days)])


def _shown(row: Reconciliation) -> dict[str, object]:
    return {
        "day": row.day,
        "provider": row.vendor,
        "state": row.state,
        "reason": row.reason,
        "our_requests": row.our_requests,
        "our_tokens": row.our_tokens,
        "our_estimated_tokens": row.our_estimated_tokens,
        "their_requests": row.their_requests,
        "their_tokens": row.their_tokens,
        "difference": row.difference,
        "checked_at": row.checked_at,
    }
