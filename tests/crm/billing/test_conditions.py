"""Which plan and which price hold for an organisation now, and whose word counts."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from crm.billing.conditions import ConditionStore, Tariff
from crm.billing.plans import Plan, Plans
from crm.billing.prices import Period, Resource
from crm.database import Sessions, utc_now
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem

MINUTE = Resource.VOICE_MINUTE
SMALL = Plan("small", 1, 2, {MINUTE: (Period(Millicredits(8_000)),)})
TARIFF = Tariff(
    {resource: (Period(Millicredits(10_000)),) for resource in Resource}, Plans({"small": SMALL}, Plan("big"))
)


async def price(sessions: Sessions, org: Org, at: datetime, resource: Resource = MINUTE) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        return (await ConditionStore(unit).read(TARIFF, resource, at)).price


async def own(sessions: Sessions, org: Org, milli: int | None, from_at: datetime) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        ConditionStore(unit).add_price(MINUTE, None if milli is None else Millicredits(milli), from_at)
        await unit.commit()


async def subscribe(sessions: Sessions, org: Org, plan: str) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await ConditionStore(unit).subscribe(plan)
        await unit.commit()


async def test_the_organisations_own_price_comes_first_then_its_plans(sessions: Sessions, org: Org) -> None:
    now, hour = utc_now(), timedelta(hours=1)
    assert await price(sessions, org, now) == 10_000
    await subscribe(sessions, org, "small")
    assert await price(sessions, org, now) == 8_000
    assert await price(sessions, org, now, Resource.GENERATION) == 10_000, "the plan says nothing of it"
    await own(sessions, org, 5_000, now)
    await own(sessions, org, 6_000, now + hour)
    await own(sessions, org, None, now + 2 * hour)
    times = (now - hour, now, now + hour, now + 2 * hour)
    assert [await price(sessions, org, at) for at in times] == [8_000, 5_000, 6_000, 8_000]
    await own(sessions, org, 4_000, now + hour)
    assert await price(sessions, org, now + hour) == 4_000, "of two for one moment the later word holds"
    stranger = await make_org(sessions)
    assert await price(sessions, stranger, now) == 10_000


async def test_many_first_words_about_a_plan_are_one_row(sessions: Sessions, org: Org) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(subscribe(sessions, org, "small"))

    async def lock() -> str:
        async with UnitOfWork(sessions, org.id) as unit:
            return await ConditionStore(unit).lock()

    assert await lock() == "small"


async def test_the_operator_changes_plan_and_price(
    client: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, resources: Resources
) -> None:
    root, operator = f"/internal/organisations/{org.id}", {"Authorization": f"Bearer {resources.internal_key}"}
    assert data(await api.get("/api/plan"))["plan"] == "enterprise"
    problem(await api.put(f"{root}/plan", json={"plan": "pro"}), 401, "not_signed_in")
    changed = data(await client.put(f"{root}/plan", json={"plan": "pro"}, headers=operator))
    assert changed == data(await api.get("/api/plan"))
    assert (changed["plan"], changed["limits"]["seats"]) == ("pro", {"most": 25, "taken": 1})
    [fault] = problem(
        await client.put(f"{root}/plan", json={"plan": "gold"}, headers=operator), 400, "invalid_request"
    )["fields"]
    assert (fault["field"], fault["fault"]) == ("body.plan", "is none of basic, pro, enterprise")

    priced = {"resource": "generation", "price": 1_500}
    data(await client.post(f"{root}/prices", json=priced, headers=operator), 201)
    later = priced | {"price": 9_000, "from": datetime(2999, 1, 1, tzinfo=UTC).isoformat()}
    data(await client.post(f"{root}/prices", json=later, headers=operator), 201)
    assert data(await api.get("/api/plan"))["prices"] == {
        "voice_minute": 10_000,
        "inbound_minute": 10_000,
        "email_verification": 1_000,
        "generation": 1_500,
    }
    for bad in ({"price": 0}, {"resource": "gold"}, {"from": "2027-01-01T00:00:00"}):
        problem(await client.post(f"{root}/prices", json=priced | bad, headers=operator), 400, "invalid_request")
