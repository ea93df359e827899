"""What /phone asks of the CRM to call leads: whom one finds, who may, and what the node is told."""

from uuid import UUID, uuid4

import httpx
import pytest

from crm.database import Sessions
from crm.permissions import Role
from events.command import Dial
from events.plan import Holder
from tests.crm.conftest import NUMBER, Org, add_member, make_org
from tests.crm.fake_node import FakeNode
from tests.crm.pages.test_live import ADDRESS, OURS
from tests.crm.test_api import data, problem


@pytest.fixture
async def browser(client: httpx.AsyncClient, org: Org) -> httpx.AsyncClient:
    """A browser that has signed in as `org`'s admin."""
    await client.post("/sign-in", data={"email": org.email, "password": org.password})
    return client


async def _add(api: httpx.AsyncClient, name: str, **fields: str) -> str:
    return str(data(await api.post("/api/leads", json={"name": name} | fields), 201)["id"])


async def test_leads_are_found_by_words_and_by_whole_numbers(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, org: Org
) -> None:
    wanted = await _add(api, "Zora Zimmer", company="Lamp Works", phone="+12125550177")

    async def found(query: str) -> list[str]:
        return [lead["id"] for lead in data(await browser.get("/people/leads", params={"q": query}))]

    assert await found("zim") == await found("lamp zora") == await found("+1 212 555 0177") == [wanted]
    assert await found("+1") == await found("nobody") == []
    assert set(await found("")) == set(await found("?!")) == {wanted, str(org.lead_id)}
    shown = data(await browser.get(f"/people/leads/{wanted}"))
    assert (shown["name"], shown["phone"], shown["do_not_call"]) == ("Zora Zimmer", "+12125550177", False)
    problem(await browser.get(f"/people/leads/{uuid4()}"), 404, "lead_not_found")


async def test_who_dials_talks(browser: httpx.AsyncClient, org: Org, node: FakeNode) -> None:
    await node.announce(people=ADDRESS)
    placed = data(await browser.post(f"/people/leads/{org.lead_id}/dial", headers=OURS), 201)
    (order,) = node.orders
    assert isinstance(order.body, Dial)
    assert order.body.plan.call_id == UUID(placed["call_id"])
    (permit,) = node.permits()
    assert permit.number == NUMBER
    assert order.body.plan.held_by == Holder(org.user_id, "Ada")


async def test_what_the_gate_refuses_is_told(
    api: httpx.AsyncClient, browser: httpx.AsyncClient, node: FakeNode
) -> None:
    abroad = await _add(api, "Fleur", phone="+33142685300")
    problem(await browser.post(f"/people/leads/{abroad}/dial", headers=OURS), 403, "country_not_allowed")
    assert node.orders == []


async def test_strangers_and_other_sites_find_and_call_nobody(
    client: httpx.AsyncClient, browser: httpx.AsyncClient, org: Org, node: FakeNode, sessions: Sessions
) -> None:
    path = f"/people/leads/{org.lead_id}"
    problem(await browser.post(f"{path}/dial", headers={"Origin": "https://evil.test"}), 403, "origin_not_allowed")
    other = await make_org(sessions)
    client.cookies.clear()
    await client.post("/sign-in", data={"email": other.email, "password": other.password})
    problem(await client.get(path), 404, "lead_not_found")
    problem(await client.post(f"{path}/dial", headers=OURS), 404, "lead_not_found")
    engineer = await add_member(sessions, org, Role.ENGINEER)
    client.cookies.clear()
    await client.post("/sign-in", data={"email": engineer.email, "password": engineer.password})
    for answer in (await client.get("/people/leads"), await client.get(path)):
        problem(answer, 403, "forbidden")
    problem(await client.post(f"{path}/dial", headers=OURS), 403, "forbidden")
    client.cookies.clear()
    for answer in (await client.get("/people/leads"), await client.get(path), await client.post(f"{path}/dial")):
        problem(answer, 401, "not_signed_in")
    assert node.orders == []
