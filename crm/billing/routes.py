"""/api/ledger: the organisation's balances and its newest transactions."""

from itertools import groupby
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from crm.access import Unit
from crm.answers import success
from crm.billing.ledger import Ledger
from crm.unit_of_work import UnitOfWork

STATEMENT_MAX: Final = 200

router = APIRouter()


@router.get("/api/ledger")
async def get_ledger(
    unit: Unit,
    limit: Annotated[int, Query(ge=1, le=STATEMENT_MAX)] = 50,
    call_id: UUID | None = None,
) -> JSONResponse:
    async with unit:
        ledger = Ledger(unit)
        balances = await ledger.balances()
        total = await ledger.total()
        statement = await transactions(unit, limit, call_id)
    return success(
        {
            "balances": {kind.value: balance for kind, balance in balances.items()},
            "sum": total,
            "transactions": statement,
        }
    )


async def transactions(unit: UnitOfWork, limit: int, call_id: UUID | None = None) -> list[dict[str, Any]]:
    """Return the newest transactions with their entries, inside the caller's transaction."""
    lines = await Ledger(unit).statement(limit, call_id)
    return [
        {
            "id": transaction_id,
            "kind": group[0][0].kind,
            "call_id": group[0][0].call_id,
            "at": group[0][0].at,
            "entries": [{"account": account, "amount": amount} for _, account, amount in group],
        }
        for transaction_id, lines_of_one in groupby(lines, key=lambda line: line[0].id)
        if (group := list(lines_of_one))
    ]
