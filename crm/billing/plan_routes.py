"""/api/plan: what the organisation's plan allows, how much of it is taken, and what things cost now."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from crm.access import Held, Unit
from crm.answers import success
from crm.billing.conditions import ConditionStore, Tariff
from crm.billing.prices import Resource
from crm.billing.seats import seats_taken
from crm.calls.slots import live_calls
from crm.database import utc_now
from crm.unit_of_work import UnitOfWork

router = APIRouter()


@router.get("/api/plan")
async def get_plan(unit: Unit, held: Held) -> JSONResponse:
    """Limits are null where there is none; prices are thousandths of a credit."""
    return success(await plan_told(unit, held.tariff))


async def plan_told(unit: UnitOfWork, tariff: Tariff) -> dict[str, Any]:
    async with unit:
        store, now = ConditionStore(unit), utc_now()
        found = {resource: await store.read(tariff, resource, now) for resource in Resource}
        plan = found[Resource.VOICE_MINUTE].plan
        taken = {"concurrent_calls": await live_calls(unit), "seats": await seats_taken(unit)}
    limits = {"concurrent_calls": plan.concurrent_calls, "seats": plan.seats}
    return {
        "plan": plan.name,
        "limits": {name: {"most": most, "taken": taken[name]} for name, most in limits.items()},
        "prices": {resource.value: conditions.price for resource, conditions in found.items()},
    }
