"""/api/plan: what the organisation's plan allows, how much of it is taken, and what things cost now.

/api/settings/credits: what becomes of calls whose credits end.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.billing.at_zero import AtZero, read_at_zero, set_at_zero
from crm.billing.conditions import ConditionStore, Tariff
from crm.billing.prices import Resource
from crm.billing.seats import seats_taken
from crm.calls.slots import live
from crm.database import utc_now
from crm.permissions import Permission
from crm.unit_of_work import UnitOfWork

router = APIRouter()


class CreditsBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at_zero: AtZero


class LimitJson(TypedDict):
    """`most` is null where there is no limit."""

    most: int | None
    taken: int


class LimitsJson(TypedDict):
    concurrent_calls: LimitJson
    seats: LimitJson


class PlanJson(TypedDict):
    plan: Annotated[str, Field(examples=["pro"])]
    limits: LimitsJson
    prices: dict[Resource, int]


class AtZeroJson(TypedDict):
    at_zero: AtZero


@router.get("/api/plan")
async def get_plan(unit: Unit, held: Held) -> Success[PlanJson]:
    """Limits are null where there is none; prices are thousandths of a credit."""
    return success(await plan_told(unit, held.tariff))


@router.get("/api/settings/credits")
async def get_at_zero(unit: Unit) -> Success[AtZeroJson]:
    return success({"at_zero": await read_at_zero(unit)})


@router.put("/api/settings/credits", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_at_zero(body: CreditsBody, unit: Unit) -> Success[AtZeroJson]:
    """What becomes of calls whose credits end, of those that are placed from now on."""
    await set_at_zero(body.at_zero, unit)
    return success({"at_zero": body.at_zero})


async def plan_told(unit: UnitOfWork, tariff: Tariff) -> PlanJson:
    async with unit:
        store, now = ConditionStore(unit), utc_now()
        found = {resource: await store.read(tariff, resource, now) for resource in Resource}
        plan = found[Resource.VOICE_MINUTE].plan
        calls, seats = (await live(unit)).calls, await seats_taken(unit)
    return {
        "plan": plan.name,
        "limits": {
            "concurrent_calls": {"most": plan.concurrent_calls, "taken": calls},
            "seats": {"most": plan.seats, "taken": seats},
        },
        "prices": {resource: conditions.price for resource, conditions in found.items()},
    }
