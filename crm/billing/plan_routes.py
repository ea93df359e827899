"""/api/plan: what the organisation's plan allows, how much of it is taken, and what things cost now.

/api/settings/credits: what becomes of calls whose credits end.
"""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from crm.access import Held, Needs, Unit
from crm.answers import success
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


@router.get("/api/plan")
async def get_plan(unit: Unit, held: Held) -> JSONResponse:
    """Limits are null where there is none; prices are thousandths of a credit."""
    return success(await plan_told(unit, held.tariff))


@router.get("/api/settings/credits")
async def get_at_zero(unit: Unit) -> JSONResponse:
    return success({"at_zero": await read_at_zero(unit)})


@router.put("/api/settings/credits", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_at_zero(body: CreditsBody, unit: Unit) -> JSONResponse:
    """What becomes of calls whose credits end, of those that are placed from now on."""
    await set_at_zero(body.at_zero, unit)
    return success({"at_zero": body.at_zero})


async def plan_told(unit: UnitOfWork, tariff: Tariff) -> dict[str, Any]:
    async with unit:
        store, now = ConditionStore(unit), utc_now()
        found = {resource: await store.read(tariff, resource, now) for resource in Resource}
        plan = found[Resource.VOICE_MINUTE].plan
        taken = {"concurrent_calls": (await live(unit)).calls, "seats": await seats_taken(unit)}
    limits = {"concurrent_calls": plan.concurrent_calls, "seats": plan.seats}
    return {
        "plan": plan.name,
        "limits": {name: {"most": most, "taken": taken[name]} for name, most in limits.items()},
        "prices": {resource.value: conditions.price for resource, conditions in found.items()},
    }
