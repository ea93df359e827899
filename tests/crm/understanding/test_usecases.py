"""What people do with what was understood, over the API."""

import httpx
import pytest
from redis.asyncio import Redis

from agent.llm.registry import Models
from config.settings import Settings
from crm.call_events import EventConsumer
from crm.resources import Resources
from events.call import AnsweredBy, Finished, Outcome, State
from tests.crm.call_story import lead_of
from tests.crm.conftest import Org, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode
from tests.crm.test_api import data, problem
from tests.crm.understanding.calls import HELD, desk, held, use_playbook, write_all


@pytest.fixture
async def script(consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org) -> CallScript:
    await use_playbook(resources, org)
    return await held(consumer, redis, resources, org)


async def test_a_person_writes_notes_and_no_model_writes_over_them(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, redis: Redis, org: Org
) -> None:
    url = f"/api/calls/{script.call_id}/notes"
    body = {"summary": "Call again in spring.", "fields": {"email": "d@example.com", "interests": ["solar"]}}
    told = data(await api.put(url, json=body))
    assert (told["status"], told["source"], told["written_by"]) == ("written", "person", str(org.user_id))
    async with Models({}) as models:
        assert await write_all(resources, redis, desk(models)) == 0
    assert data(await api.get(url))["summary"] == "Call again in spring."
    problem(await api.post(f"{url}/retry"), 409, "notes_by_person")
    assert (await lead_of(resources.sessions, org)).email == "d@example.com"


async def test_notes_can_be_tried_again(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, redis: Redis
) -> None:
    url = f"/api/calls/{script.call_id}/notes"
    async with Models({}) as models:
        await write_all(resources, redis, desk(models, "openai:m"))
        assert data(await api.get(url))["reason"] == "model_unavailable"
        again = await api.post(f"{url}/retry")
        assert data(again, 202)["attempts"] == 0
        assert await write_all(resources, redis, desk(models)) == 1
    assert data(await api.get(url))["status"] == "written"


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"age": 3}, "body.fields.age"), ({"email": "nope"}, "body.fields.email"), ({"name": 3}, "body.fields.name")],
)
async def test_a_field_that_does_not_fit_is_named(
    script: CallScript, api: httpx.AsyncClient, fields: dict[str, object], named: str
) -> None:
    answer = await api.put(f"/api/calls/{script.call_id}/notes", json={"summary": "x", "fields": fields})
    problem(answer, 400, "invalid_request")
    assert answer.json()["details"]["fields"][0]["field"] == named


async def test_a_call_that_goes_on_has_no_notes_yet(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    live = await held(consumer, redis, resources, org, HELD[:4])
    url = f"/api/calls/{live.call_id}/notes"
    problem(await api.get(url), 404, "notes_not_found")
    problem(await api.put(url, json={"summary": "x"}), 409, "call_live")
    problem(await api.post(f"{url}/retry"), 409, "call_live")


async def test_a_missed_objection_is_added_with_its_words(script: CallScript, api: httpx.AsyncClient) -> None:
    turns = data(await api.get(f"/api/calls/{script.call_id}"))["turns"]
    url = f"/api/calls/{script.call_id}/objections"
    body = {"turn_id": turns[4]["id"], "kind": "trust", "quote": "My mail is"}
    added = data(await api.post(url, json=body), 201)
    assert (added["kind"], added["source"], added["quote"]) == ("trust", "person", "My mail is")
    assert data(await api.post(url, json=body), 201)["id"] == added["id"], "a second time it is the same one"
    assert len(data(await api.get(url))) == 2
    agents = await api.post(url, json=body | {"turn_id": turns[1]["id"]})
    assert agents.json()["details"]["fields"][0]["field"] == "body.turn_id"
    unsaid = await api.post(url, json=body | {"quote": "you thieves"})
    assert unsaid.json()["details"]["fields"][0]["field"] == "body.quote"


async def test_why_calls_were_lost(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    lost = (*HELD[:-2], Finished(State.ENDED, Outcome.NOT_INTERESTED, AnsweredBy.HUMAN, 14.2, 15), HELD[-1])
    await held(consumer, redis, resources, org)  # not lost
    first = await held(consumer, redis, resources, org, lost)
    await held(consumer, redis, resources, org, lost)
    told = data(await api.get("/api/objections/lost"))["objections"]
    assert told == [{"kind": "price", "calls": 2, "quotes": ["too expensive"]}]
    [objection] = data(await api.get(f"/api/calls/{first.call_id}/objections"))
    await api.put(f"/api/objections/{objection['id']}", json={"kind": "none"})
    assert data(await api.get("/api/objections/lost"))["objections"][0]["calls"] == 1


async def test_another_organisation_sees_nothing_of_it(
    script: CallScript, api: httpx.AsyncClient, client: httpx.AsyncClient, resources: Resources, settings: Settings
) -> None:
    [objection] = data(await api.get(f"/api/calls/{script.call_id}/objections"))
    other = await make_org(resources.sessions)
    headers = {"Authorization": f"Bearer {token_of(other, settings)}"}
    for method, path, body in (
        ("GET", f"/api/calls/{script.call_id}/notes", None),
        ("GET", f"/api/calls/{script.call_id}/objections", None),
        ("PUT", f"/api/objections/{objection['id']}", {"kind": "none"}),
        ("PUT", f"/api/calls/{script.call_id}/notes", {"summary": "x"}),
    ):
        assert (await client.request(method, path, json=body, headers=headers)).status_code == 404
    assert data(await api.get("/api/objections/lost"))["objections"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/objections/{id}"), ("GET", "/api/calls/{id}/notes"), ("GET", "/api/calls/{id}/objections")],
)
async def test_what_is_not_there_is_not_found(api: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await api.request(method, path.format(id="018f0000-0000-7000-8000-000000000000"), json={"kind": "price"})
    assert answer.status_code == 404
