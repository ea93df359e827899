"""A write with a key is made once: again, at once, after a refusal, and when the process dies in it."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import func, select

from crm.access import Unit
from crm.database import Sessions
from crm.idempotency.keys import Attempt, KeyReused
from crm.idempotency.writes import Attempted, once
from crm.leads.model import Lead
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem

FIRST = Attempt("key", "one")


async def add_lead(unit: UnitOfWork) -> dict[str, Any]:
    """A use case as they are: a unit of its own, and a commit."""
    async with unit:
        lead = Lead(org_id=unit.org_id, id=new_id(), name="Joana")
        unit.session.add(lead)
        await unit.commit()
    return {"id": lead.id, "made": lead.created_at}


async def leads_of(sessions: Sessions, org: Org) -> int:
    """Count those that were added here."""
    async with UnitOfWork(sessions, org.id) as unit:
        return await unit.session.scalar(select(func.count()).where(Lead.name == "Joana")) or 0


async def test_the_same_attempt_gets_the_same_answer(sessions: Sessions, org: Org) -> None:
    first = await once(UnitOfWork(sessions, org.id), FIRST, add_lead)
    assert await once(UnitOfWork(sessions, org.id), FIRST, add_lead) == first
    assert await leads_of(sessions, org) == 1


async def test_without_a_key_each_request_is_one(sessions: Sessions, org: Org) -> None:
    made = [await once(UnitOfWork(sessions, org.id), None, add_lead) for _ in range(2)]
    assert made[0]["id"] != made[1]["id"]
    assert await leads_of(sessions, org) == 2


async def test_attempts_at_once_are_one(sessions: Sessions, org: Org) -> None:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(once(UnitOfWork(sessions, org.id), FIRST, add_lead)) for _ in range(4)]
    assert len({task.result()["id"] for task in made}) == 1
    assert await leads_of(sessions, org) == 1


async def test_a_key_is_one_requests_of_one_organisation(sessions: Sessions, org: Org) -> None:
    await once(UnitOfWork(sessions, org.id), FIRST, add_lead)
    with pytest.raises(KeyReused):
        await once(UnitOfWork(sessions, org.id), Attempt("key", "two"), add_lead)
    other = await make_org(sessions)
    await once(UnitOfWork(sessions, other.id), Attempt("key", "two"), add_lead)
    assert (await leads_of(sessions, org), await leads_of(sessions, other)) == (1, 1)


@pytest.mark.parametrize("fault", [Refusal("conflict"), asyncio.CancelledError()], ids=["refused", "cut off"])
async def test_what_came_to_nothing_leaves_nothing_and_may_be_tried_again(
    fault: BaseException, sessions: Sessions, org: Org
) -> None:
    async def fail(unit: UnitOfWork) -> None:
        await add_lead(unit)
        raise fault

    with pytest.raises(type(fault)):
        await once(UnitOfWork(sessions, org.id), FIRST, fail)
    assert await leads_of(sessions, org) == 0
    await once(UnitOfWork(sessions, org.id), FIRST, add_lead)
    assert await leads_of(sessions, org) == 1


async def test_through_http_the_whole_request_is_told_apart(app: FastAPI, api: httpx.AsyncClient) -> None:
    async def post(request: Request, unit: Unit, attempt: Attempted) -> dict[str, Any]:
        return {"success": True, "data": await once(unit, attempt, add_lead), "timestamp": "+00:00"}

    app.add_api_route("/things", post, methods=["POST"])
    key = {"Idempotency-Key": "a"}
    first = data(await api.post("/things", headers=key, json={"a": 1}))
    assert data(await api.post("/things", headers=key, json={"a": 1})) == first
    problem(await api.post("/things", headers=key, json={"a": 2}), 409, "idempotency_key_reused")
    problem(await api.post("/things?b", headers=key, json={"a": 1}), 409, "idempotency_key_reused")
    problem(await api.post("/things", headers={"Idempotency-Key": "a b"}, json={"a": 1}), 400, "invalid_request")
    assert data(await api.post("/things", json={"a": 1})) != first
