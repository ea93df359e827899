"""Consents over HTTP, and what they mean for calls."""

from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.settings import Settings
from crm.call_events import EventConsumer
from crm.calls.dial import CallRefused, DialRequest
from crm.database import Sessions
from crm.leads.store import LeadStore
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import Answered, FactKind, FactNoted
from tests.crm.conftest import NUMBER, Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem

LETTER = {"channel": "phone", "source": "letter", "evidence": "letter 17"}


async def test_the_last_word_of_an_address_holds(api: httpx.AsyncClient, org: Org, resources: Resources) -> None:
    lead = f"/api/leads/{org.lead_id}"
    again = data(await api.post("/api/leads", json={"name": "Same number", "phone": NUMBER}), 201)
    refused = data(await api.post(f"{lead}/refusals", json=LETTER), 201)
    assert (refused["said"], refused["address"], refused["recorded_by"]) == ("refused", NUMBER, str(org.user_id))
    assert data(await api.get(f"/api/leads/{again['id']}"))["do_not_call"], "it holds for the number"
    with pytest.raises(CallRefused, match="do_not_call"):
        await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    old = LETTER | {"said_at": "2020-01-01T00:00:00Z"}
    data(await api.post(f"{lead}/grants", json=old), 201)
    assert data(await api.get(lead))["do_not_call"], "an older word changes nothing"
    data(await api.post(f"{lead}/grants", json=LETTER), 201)
    assert data(await api.get(lead))["status"] == "novo"
    told = data(await api.get(f"{lead}/consents"))
    assert told["current"] == {"phone": "granted", "sms": None, "whatsapp": None}
    assert [word["said"] for word in told["history"]] == ["granted", "refused", "granted"]


async def test_a_refusal_outlasts_edits_and_new_leads(api: httpx.AsyncClient, org: Org) -> None:
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=LETTER), 201)
    kept = data(await api.put(f"/api/leads/{org.lead_id}", json={"name": "Dana", "phone": NUMBER}))
    assert kept["do_not_call"]
    assert data(await api.post("/api/leads", json={"name": "Anew", "phone": NUMBER}), 201)["do_not_call"]


async def test_do_not_call_set_while_the_dial_is_queued(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    org: Org,
    resources: Resources,
    node: FakeNode,
    settings: Settings,
) -> None:
    """The permit is given; then the person refuses; the node asks again before it dials."""
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=LETTER), 201)
    question = {"org_id": str(org.id), "call_id": str(answer.call_id), "number": NUMBER}
    headers = {"Authorization": f"Bearer {settings.internal_key.get_secret_value()}"}
    asked = await client.post(wire.DO_NOT_CALL_PATH, json=question, headers=headers)
    assert asked.json() == {"do_not_call": True}


async def test_what_is_said_in_a_call_is_kept_with_the_call(
    api: httpx.AsyncClient, org: Org, script: CallScript, redis: Redis, consumer: EventConsumer, sessions: Sessions
) -> None:
    await publish(redis, script.event(Answered()), script.event(FactNoted(FactKind.OPTED_OUT)))
    await consumer.turn()
    told = data(await api.get(f"/api/leads/{org.lead_id}/consents"))
    assert [(word["said"], word["source"], word["call_id"]) for word in told["history"]] == [
        ("refused", "call", str(script.call_id))
    ]
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("UPDATE leads SET do_not_call = false"))
        assert await LeadStore(unit).is_do_not_call(NUMBER), "the refusal stands by itself"
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        assert not await LeadStore(unit).is_do_not_call(NUMBER), "it was said to one organisation"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (LETTER | {"channel": "email"}, "body.channel"),
        (LETTER | {"channel": "fax"}, "body.channel"),
        (LETTER | {"evidence": " "}, "body.evidence"),
        (LETTER | {"said_at": "2999-01-01T00:00:00Z"}, "body.said_at"),
        (LETTER | {"said_at": "2020-01-01T00:00:00"}, "body.said_at"),
        (LETTER | {"source": "\x00"}, "body.source"),
    ],
)
async def test_a_word_needs_its_proof(body: dict[str, Any], field: str, api: httpx.AsyncClient, org: Org) -> None:
    details = problem(await api.post(f"/api/leads/{org.lead_id}/refusals", json=body), 400, "invalid_request")
    assert [fault["field"] for fault in details["fields"]] == [field]


async def test_who_may_lift_a_refusal(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("UPDATE members SET role = 'rep'"))
        await unit.commit()
    details = problem(await api.post(f"/api/leads/{org.lead_id}/grants", json=LETTER), 403, "forbidden")
    assert details["needs"] == "consents:grant"
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=LETTER), 201)


async def test_anothers_lead_and_a_written_word_are_out_of_reach(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    other = await make_org(sessions)
    for path in ("refusals", "grants"):
        problem(await api.post(f"/api/leads/{other.lead_id}/{path}", json=LETTER), 404, "lead_not_found")
    problem(await api.get(f"/api/leads/{other.lead_id}/consents"), 404, "lead_not_found")
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=LETTER), 201)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text("UPDATE consents SET said = 'granted'"))
