"""/internal/organisations/{org_id}/…: what the operator does with an organisation's money.

Credits come into a wallet by the operator's word only. Asked for by `salesos credits`, with the installation's own key.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from crm.access import Held, internal_caller
from crm.answers import success
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.routes import AMOUNT_MAX, RefundBody, refund_once, refund_request
from crm.billing.top_up import top_up
from crm.idempotency.writes import Attempted
from crm.identity.model import Organisation
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits

router = APIRouter(
    prefix="/internal/organisations/{org_id}", include_in_schema=False, dependencies=[Depends(internal_caller)]
)


class TopUpBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: int = Field(ge=1, le=AMOUNT_MAX, description="Thousandths of a credit")
    reference: str = Field(pattern=r"^[\x21-\x7e]{1,200}$", description="Such as an invoice's number: booked once")


async def organisation_unit(org_id: UUID, held: Held) -> UnitOfWork:
    """Raises Refusal: there is no such organisation."""
    unit = UnitOfWork(held.sessions, org_id)
    async with unit:
        if await unit.session.get(Organisation, org_id) is None:
            raise Refusal("organisation_not_found", {"org_id": str(org_id)})
    return unit


OrgUnit = Annotated[UnitOfWork, Depends(organisation_unit)]


@router.get("/credits")
async def get_credits(unit: OrgUnit) -> JSONResponse:
    return success(await _balances(unit))


@router.post("/credits", status_code=201)
async def post_credits(body: TopUpBody, unit: OrgUnit) -> JSONResponse:
    """Put credits in: 201, or 200 when that reference was booked before."""
    booked = await top_up(Millicredits(body.amount), body.reference, unit)
    return success(await _balances(unit) | {"booked": booked}, status=201 if booked else 200)


@router.post("/calls/{call_id}/refunds", status_code=201)
async def post_refund(call_id: UUID, body: RefundBody, unit: OrgUnit, attempt: Attempted) -> JSONResponse:
    return success(await refund_once(call_id, refund_request(body, None), unit, attempt), status=201)


async def _balances(unit: UnitOfWork) -> dict[str, object]:
    async with unit:
        found = await Ledger(unit).balances()
    return {"balances": {kind.value: found[kind] for kind in AccountKind}}
