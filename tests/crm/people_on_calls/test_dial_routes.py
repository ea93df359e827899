"""A person calls a lead: what the node is told, who may, and that everything else is as for the agent's calls."""

from uuid import UUID, uuid4

import httpx
from sqlalchemy import update

from config.settings import Settings
from crm.database import Sessions
from crm.leads.model import Lead
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from events.command import Dial
from events.permit import Purpose
from events.plan import Holder
from tests.crm.conftest import NUMBER, Org, add_member, make_org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem


def _as(member: Org, settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(member, settings)}"}


async def test_the_plan_says_who_talks(api: httpx.AsyncClient, org: Org, node: FakeNode) -> None:
    path, key = f"/api/leads/{org.lead_id}/dial", {"Idempotency-Key": "once"}
    placed = data(await api.post(path, headers=key), 201)
    assert placed["lead_id"] == str(org.lead_id)
    assert data(await api.post(path, json={}, headers=key), 201) == placed
    (order,) = node.orders
    assert isinstance(order.body, Dial)
    assert order.body.plan.held_by == Holder(org.user_id, "Ada")
    assert order.body.plan.call_id == UUID(placed["call_id"])
    assert order.body.plan.agent.name == "Alex", "who takes it when nobody is there"
    (permit,) = node.permits()
    assert (permit.number, permit.purpose) == (NUMBER, Purpose.PROSPECT)
    assert permit.funded_s > 0


async def test_the_call_says_who_placed_it_also_when_they_have_left(
    api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org, node: FakeNode, settings: Settings, sessions: Sessions
) -> None:
    rep = await add_member(sessions, org, Role.REP)
    placed = data(await client.post(f"/api/leads/{org.lead_id}/dial", headers=_as(rep, settings)), 201)
    path, who = f"/api/calls/{placed['call_id']}", {"user_id": str(rep.user_id)}
    assert data(await api.get(path))["placed_by"] == who | {"name": "Bob"}
    assert [call["placed_by"] for call in data(await api.get("/api/calls"))] == [str(rep.user_id)]
    assert (await api.delete(f"/api/members/{rep.user_id}")).status_code < 300
    assert data(await api.get(path))["placed_by"] == who | {"name": None}


async def test_the_agents_own_calls_name_nobody(api: httpx.AsyncClient, org: Org, node: FakeNode) -> None:
    placed = data(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 201)
    assert data(await api.get(f"/api/calls/{placed['call_id']}"))["placed_by"] is None
    (order,) = node.orders
    assert isinstance(order.body, Dial)
    assert order.body.plan.held_by is None


async def test_a_key_is_one_persons(
    api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org, node: FakeNode, settings: Settings, sessions: Sessions
) -> None:
    path, key = f"/api/leads/{org.lead_id}/dial", {"Idempotency-Key": "once"}
    data(await api.post(path, headers=key), 201)
    rep = await add_member(sessions, org, Role.REP)
    problem(await client.post(path, headers=_as(rep, settings) | key), 409, "idempotency_key_reused")
    assert len(node.orders) == 1


async def test_who_may_call(
    client: httpx.AsyncClient, org: Org, node: FakeNode, settings: Settings, sessions: Sessions
) -> None:
    path = f"/api/leads/{org.lead_id}/dial"
    engineer = await add_member(sessions, org, Role.ENGINEER)
    problem(await client.post(path, headers=_as(engineer, settings)), 403, "forbidden")
    other = await make_org(sessions)
    stranger = await client.post(path, headers=_as(other, settings))
    assert stranger.json()["code"] == "lead_not_found"
    assert not node.orders


async def test_the_gate_is_the_agents(api: httpx.AsyncClient, org: Org, node: FakeNode, sessions: Sessions) -> None:
    path = f"/api/leads/{org.lead_id}/dial"
    problem(await api.post(path, json={"agent_id": str(uuid4())}), 404, "agent_not_found")
    problem(await api.post(path, json={"held_by": str(org.user_id)}), 400, "invalid_request")
    async with UnitOfWork(sessions, org.id) as unit:
        mine = (Lead.org_id == org.id, Lead.id == org.lead_id)
        await unit.session.execute(update(Lead).where(*mine).values(do_not_call=True))
        await unit.commit()
    problem(await api.post(path), 409, "do_not_call")
    assert not node.orders
