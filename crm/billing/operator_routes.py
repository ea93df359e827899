"""/internal/organisations/{org_id}/…: what the operator does with an organisation's money.

Credits come into a wallet by the operator's word only. Asked for by `salesos credits`, with the installation's own key.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crm.access import Held, internal_caller
from crm.answers import success
from crm.billing.conditions import ConditionStore
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.plan_routes import plan_told
from crm.billing.prices import Resource
from crm.billing.routes import AMOUNT_MAX, RefundBody, refund_once, refund_request
from crm.billing.top_up import top_up
from crm.calls.extending import Extended, extend_live_calls
from crm.database import utc_now
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


class PlanBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan: str = Field(min_length=1, max_length=100)


class PriceBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    resource: Resource
    price: int | None = Field(ge=1, le=AMOUNT_MAX, description="Thousandths of a credit; null: as the plan has it")
    from_at: AwareDatetime | None = Field(None, alias="from")


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
async def post_credits(body: TopUpBody, unit: OrgUnit, held: Held) -> JSONResponse:
    """Put credits in: 201, or 200 when that reference was booked before. Live calls that need them get some."""
    booked = await top_up(Millicredits(body.amount), body.reference, unit)
    extended = await _extend(unit, held) if booked else Extended()
    told = {"booked": booked, "calls_extended": extended.calls}
    return success(await _balances(unit) | told, status=201 if booked else 200)


@router.post("/calls/{call_id}/refunds", status_code=201)
async def post_refund(call_id: UUID, body: RefundBody, unit: OrgUnit, held: Held, attempt: Attempted) -> JSONResponse:
    given = await refund_once(call_id, refund_request(body, None), unit, attempt)
    await _extend(unit, held)
    return success(given, status=201)


async def _extend(unit: UnitOfWork, held: Held) -> Extended:
    return await extend_live_calls(unit.org_id, held.max_call_s, held.sessions, held.nodes)


@router.put("/plan")
async def put_plan(body: PlanBody, unit: OrgUnit, held: Held) -> JSONResponse:
    """Holds for the next call, in every process."""
    plans = held.tariff.plans
    if body.plan not in plans.by_name:
        fault = f"is none of {', '.join(plans.by_name)}"
        raise Refusal("invalid_request", {"fields": [{"field": "body.plan", "fault": fault}]})
    async with unit:
        await ConditionStore(unit).subscribe(body.plan)
        await unit.commit()
    return success(await plan_told(unit, held.tariff))


@router.post("/prices", status_code=201)
async def post_price(body: PriceBody, unit: OrgUnit, held: Held) -> JSONResponse:
    """Let a resource cost the organisation something else from a moment on, now if none is said."""
    price = None if body.price is None else Millicredits(body.price)
    async with unit:
        ConditionStore(unit).add_price(body.resource, price, body.from_at or utc_now())
        await unit.commit()
    return success(await plan_told(unit, held.tariff), status=201)


async def _balances(unit: UnitOfWork) -> dict[str, object]:
    async with unit:
        found = await Ledger(unit).balances()
    return {"balances": {kind.value: found[kind] for kind in AccountKind}}
