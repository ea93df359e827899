"""Credits put in by the operator."""

import asyncio

import httpx

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.replay import replay
from crm.billing.top_up import top_up
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits
from tests.crm.billing.calls import fund_call, settle
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem


async def test_one_reference_is_booked_once_also_at_once(sessions: Sessions) -> None:
    org = await make_org(sessions, credit=0)
    async with asyncio.TaskGroup() as tasks:
        tries = [
            tasks.create_task(top_up(Millicredits(7_000), "invoice-1", UnitOfWork(sessions, org.id))) for _ in range(5)
        ]
    assert sorted(attempt.result() for attempt in tries) == [False] * 4 + [True]
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).wallet() == 7_000


async def test_credits_pay_first_for_what_could_not_be_paid(sessions: Sessions) -> None:
    org = await make_org(sessions, credit=5)
    await settle(sessions, org, await fund_call(sessions, org, seconds=30), 60)
    assert await top_up(Millicredits(3_000), "a", UnitOfWork(sessions, org.id))
    assert await top_up(Millicredits(3_000), "b", UnitOfWork(sessions, org.id))
    async with UnitOfWork(sessions, org.id) as unit:
        found = await Ledger(unit).balances()
        assert await replay(unit) == []
    assert (found[AccountKind.WALLET], found[AccountKind.SHORTFALL]) == (1_000, 0)


async def test_by_the_operator_only(
    client: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, resources: Resources
) -> None:
    path, body = f"/internal/organisations/{org.id}/credits", {"amount": 1_000, "reference": "invoice-7"}
    problem(await client.post(path, json=body), 401, "not_signed_in")
    problem(await api.post(path, json=body), 401, "not_signed_in")
    operator = {"Authorization": f"Bearer {resources.internal_key}"}
    first = data(await client.post(path, json=body, headers=operator), 201)
    assert (first["booked"], first["balances"]["wallet"]) == (True, 501_000)
    again = data(await client.post(path, json=body, headers=operator))
    assert (again["booked"], again["balances"]) == (False, first["balances"])
    for bad in ({"amount": 0}, {"amount": 10**16}, {"reference": "two words"}, {"reference": ""}):
        problem(await client.post(path, json=body | bad, headers=operator), 400, "invalid_request")
    nobody = f"/internal/organisations/{new_id()}/credits"
    problem(await client.get(nobody, headers=operator), 404, "organisation_not_found")
