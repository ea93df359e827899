"""What an organisation sets for its calls, from the API to the plan that a voice node gets."""

import httpx
import pytest

from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.identity.model import Member
from crm.identity.organisation import read_organisation
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.command import Dial
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode


async def test_what_is_set_is_in_the_next_calls_plan(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    before = (await api.get("/api/organisation")).json()["data"]
    assert (before["sensitivity"], before["record_when"]) == ("normal", "after_disclosure")

    changed = await api.patch("/api/organisation", json={"sensitivity": "low"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["data"] == before | {"sensitivity": "low"}
    assert (await api.get("/api/organisation")).json()["data"]["sensitivity"] == "low"

    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    order = node.orders[-1].body
    assert isinstance(order, Dial)
    assert order.plan.sensitivity == "low"


async def test_its_name_and_domain(api: httpx.AsyncClient) -> None:
    body = {"name": "  Padaria Pão & Cia ", "domain": "Padaria.com.BR"}
    changed = (await api.patch("/api/organisation", json=body)).json()["data"]
    assert (changed["name"], changed["domain"]) == ("Padaria Pão & Cia", "padaria.com.br")
    emptied = (await api.patch("/api/organisation", json={"domain": ""})).json()["data"]
    assert (emptied["name"], emptied["domain"]) == ("Padaria Pão & Cia", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"domain": "https://x.com"}, "domain"),
        ({"domain": "-x.com"}, "domain"),
        ({"sensitivity": "loud"}, "sensitivity"),
        ({"record_when": ""}, "record_when"),
        ({"sensitivty": "low"}, "sensitivty"),
    ],
)
async def test_what_is_no_setting_is_refused_by_name(api: httpx.AsyncClient, body: dict[str, str], field: str) -> None:
    answer = await api.patch("/api/organisation", json=body)
    assert answer.status_code == 400
    (fault,) = answer.json()["details"]["fields"]
    assert fault["field"] == f"body.{field}"


async def test_only_admins_change_it(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Member, (org.id, org.user_id))).role = "rep"
        await unit.commit()
    assert (await api.get("/api/organisation")).status_code == 200
    refused = await api.patch("/api/organisation", json={"sensitivity": "high"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_an_organisation_changes_nobody_elses(api: httpx.AsyncClient, sessions: Sessions) -> None:
    other = await make_org(sessions)
    await api.patch("/api/organisation", json={"sensitivity": "high"})
    assert (await read_organisation(UnitOfWork(sessions, other.id))).sensitivity == "normal"
