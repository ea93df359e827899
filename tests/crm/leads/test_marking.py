"""Do-not-call as people mark it: nothing but a grant lifts it, whoever leaves the mark out or takes the lead away."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from config.settings import Settings
from crm.calls.dial import CallRefused, DialRequest
from crm.consents.model import Channel, Said
from crm.consents.store import ConsentStore
from crm.database import Sessions
from crm.leads.marking import keep_mark
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.ids import new_id
from tests.crm.conftest import NUMBER, Org, add_member, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem

OTHER = "+12025550177"
GRANT = {"channel": "phone", "source": "letter", "evidence": "letter 17"}
MARKED = {"name": "Eli", "phone": OTHER, "do_not_call": True}


@pytest.fixture
async def rep(api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings) -> httpx.AsyncClient:
    """A client that acts as a rep, who may change leads and not keep grants."""
    member = await add_member(sessions, org, Role.REP)
    api.headers["Authorization"] = f"Bearer {token_of(member, settings)}"
    return api


async def marked(rep: httpx.AsyncClient, **fields: Any) -> str:
    return str(data(await rep.post("/api/leads", json=MARKED | fields), 201)["id"])


async def assert_refused(number: str, org: Org, resources: Resources, client: httpx.AsyncClient) -> None:
    """The gate says no, and so does what a voice node asks just before it dials."""
    with pytest.raises(CallRefused, match="do_not_call"):
        await resources.dialler.dial(DialRequest(number=number), org.id)
    question = {"org_id": str(org.id), "call_id": str(new_id()), "number": number}
    headers = {"Authorization": f"Bearer {resources.internal_key}"}
    asked = await client.post(wire.DO_NOT_CALL_PATH, json=question, headers=headers)
    assert asked.json() == {"do_not_call": True}


@pytest.mark.parametrize("sent", [{}, {"do_not_call": False}, {"status": "novo", "do_not_call": False}])
async def test_a_mark_outlasts_edits(
    sent: dict[str, Any], rep: httpx.AsyncClient, org: Org, resources: Resources, node: FakeNode
) -> None:
    lead_id = await marked(rep)
    at = data(await rep.get(f"/api/leads/{lead_id}"))
    kept = data(await rep.put(f"/api/leads/{lead_id}", json={"name": "Eli", "phone": OTHER} | sent))
    assert (kept["do_not_call"], kept["status"], at["do_not_call"]) == (True, "do_not_call", True)
    await assert_refused(OTHER, org, resources, rep)


async def test_a_mark_outlasts_its_lead_and_its_number(
    rep: httpx.AsyncClient, org: Org, resources: Resources, sessions: Sessions, settings: Settings, node: FakeNode
) -> None:
    lead_id = await marked(rep)
    another = "+12025550188"
    moved = data(await rep.put(f"/api/leads/{lead_id}", json={"name": "Eli", "phone": another}))
    assert moved["do_not_call"], "whoever it is has another number"
    admin = {"Authorization": f"Bearer {token_of(org, settings)}"}
    assert (await rep.delete(f"/api/leads/{lead_id}", headers=admin)).status_code == 204
    for number in (OTHER, another):
        await assert_refused(number, org, resources, rep)
        assert data(await rep.post("/api/leads", json={"name": "Anew", "phone": number}), 201)["do_not_call"]
        await assert_refused(number, org, resources, rep)
    async with UnitOfWork(sessions, org.id) as unit:
        word = await ConsentStore(unit).latest(Channel.PHONE, another)
    assert word is not None
    assert (word.said, word.source, str(word.lead_id)) == (Said.REFUSED, "person", lead_id)
    assert word.recorded_by not in (None, org.user_id), "the rep's own"


async def test_a_mark_holds_for_every_lead_of_the_number(rep: httpx.AsyncClient, org: Org) -> None:
    sent = {"name": "Dana", "phone": NUMBER, "do_not_call": True}
    twin = data(await rep.post("/api/leads", json={"name": "Twin", "phone": NUMBER}), 201)
    for _ in range(2):
        data(await rep.put(f"/api/leads/{org.lead_id}", json=sent))
    assert data(await rep.get(f"/api/leads/{twin['id']}"))["status"] == "do_not_call"
    told = data(await rep.get(f"/api/leads/{org.lead_id}/consents"))
    assert [(word["source"], word["address"]) for word in told["history"]] == [("person", NUMBER)], "once, not per edit"


async def test_only_a_grant_lifts_a_mark(
    rep: httpx.AsyncClient, org: Org, settings: Settings, resources: Resources, node: FakeNode
) -> None:
    path = f"/api/leads/{await marked(rep)}"
    problem(await rep.post(f"{path}/grants", json=GRANT), 403, "forbidden")
    admin = {"Authorization": f"Bearer {token_of(org, settings)}"}
    data(await rep.post(f"{path}/grants", json=GRANT, headers=admin), 201)
    assert data(await rep.put(path, json={"name": "Eli", "phone": OTHER}))["do_not_call"] is False
    await resources.dialler.dial(DialRequest(number=OTHER), org.id)


async def test_a_lead_without_a_number_keeps_its_mark(
    rep: httpx.AsyncClient, org: Org, resources: Resources, node: FakeNode
) -> None:
    lead_id = await marked(rep, phone=None)
    kept = data(await rep.put(f"/api/leads/{lead_id}", json={"name": "Eli"}))
    assert (kept["do_not_call"], kept["status"]) == (True, "do_not_call")
    numbered = data(await rep.put(f"/api/leads/{lead_id}", json={"name": "Eli", "phone": OTHER}))
    assert numbered["do_not_call"]
    await assert_refused(OTHER, org, resources, rep)


async def test_the_stage_of_the_mark_is_not_entered_without_it(rep: httpx.AsyncClient, org: Org) -> None:
    sent = {"name": "Eli", "phone": OTHER, "status": "do_not_call"}
    for answer in (await rep.post("/api/leads", json=sent), await rep.put(f"/api/leads/{org.lead_id}", json=sent)):
        details = problem(answer, 400, "invalid_request")
        assert [fault["field"] for fault in details["fields"]] == ["body.status"]
    assert data(await rep.post("/api/leads", json=sent | {"do_not_call": True}), 201)["do_not_call"]


async def test_a_mark_of_an_earlier_release_goes_with_its_lead_no_more(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    """Marks were once set without a word on record."""
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("UPDATE leads SET do_not_call = true, status = 'do_not_call'"))
        await unit.commit()
    assert (await api.delete(f"/api/leads/{org.lead_id}")).status_code == 204
    async with UnitOfWork(sessions, org.id) as unit:
        assert await LeadStore(unit).is_do_not_call(NUMBER)


async def test_what_is_refused_already_is_not_recorded_again(org: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        await keep_mark(lead, "no mark", None, unit)
        assert not await LeadStore(unit).refused_calls(NUMBER), "nobody marked it"
        lead.do_not_call = True
        for evidence in ("first", "second"):
            await keep_mark(lead, evidence, None, unit)
        history = await ConsentStore(unit).history(lead.id, [NUMBER], 10)
        assert [word.evidence for word in history] == ["first"]
