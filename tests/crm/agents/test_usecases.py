"""Agents over the API, and how one gets into a call's plan."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.permissions import Role
from crm.resources import Resources
from events.command import Dial
from tests.crm.conftest import Org, become, make_org
from tests.crm.fake_node import FakeNode
from tests.crm.prompts.test_usecases import write
from tests.crm.test_api import data, problem

BODY = {"name": "Sol", "playbook": "meeting"}


async def save(api: httpx.AsyncClient, **changes: Any) -> Any:
    return data(await api.post("/api/agents", json=BODY | changes), 201)


async def plan_of(resources: Resources, node: FakeNode, org: Org, agent: Any) -> Any:
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=UUID(agent["id"])), org.id)
    order = node.orders[-1].body
    assert isinstance(order, Dial)
    return order.plan


async def test_what_is_left_out_has_the_documented_values(api: httpx.AsyncClient) -> None:
    agent = await save(api)
    assert agent["type"] == "custom"
    assert (agent["temperature"], agent["max_tokens"]) == (0.7, 1000)
    assert agent["tools"] == ["note_fact", "end_call", "press_keys"]
    assert (agent["prompt"], agent["prompt_version"], agent["model"]) == (None, "latest", "")
    assert data(await api.get(f"/api/agents/{agent['id']}")) == agent


async def test_an_agent_is_replaced_and_listed_by_type(api: httpx.AsyncClient) -> None:
    agent = await save(api, type="support", description="helps")
    changed = data(await api.put(f"/api/agents/{agent['id']}", json=BODY | {"name": "Luna", "active": False}))
    assert (changed["name"], changed["type"], changed["description"], changed["active"]) == (
        "Luna",
        "custom",
        "",
        False,
    )
    await save(api, type="support")
    assert [found["name"] for found in data(await api.get("/api/agents"))] == ["Alex", "Luna", "Sol"]
    only = await api.get("/api/agents", params={"type": "support"})
    assert [found["name"] for found in data(only)] == ["Sol"]
    assert only.json()["pagination"]["total"] == 1


async def test_the_plan_has_the_agent_as_it_is_now(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    agent = await save(
        api,
        voice="elevenlabs:abc",
        stt="deepgram:nova-3",
        language="pt-BR",
        model="openai:m",
        temperature=0.2,
        max_tokens=300,
        tools=["end_call", "book_slot", "end_call"],
    )
    plan = await plan_of(resources, node, org, agent)
    assert (plan.agent.name, plan.agent.language, plan.agent.temperature, plan.agent.max_tokens) == (
        "Sol",
        "pt-BR",
        0.2,
        300,
    )
    assert (plan.providers.stt, plan.providers.tts) == ("deepgram:nova-3", "elevenlabs:abc")
    assert (plan.providers.llm, plan.providers.llm_fallbacks) == ("openai:m", ("scripted",))
    assert plan.tools == ("end_call", "book_slot")
    assert plan.prompt is None
    assert " de " in plan.variables["today"], "in the agent's language"

    await api.put(f"/api/agents/{agent['id']}", json=BODY | {"name": "Luna"})
    [call] = data(await api.get("/api/calls"))
    began = data(await api.get(f"/api/calls/{call['call_id']}"))["agent"]
    assert (began["name"], began["temperature"], began["tools"]) == ("Sol", 0.2, ["end_call", "book_slot"])


async def test_a_prompt_agent_needs_a_model_and_the_script_never_stands_in(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    await write(api)
    agent = await save(api, prompt="sales")
    refused = await api.post("/api/calls", json={"lead_id": str(org.lead_id), "agent_id": agent["id"]})
    problem(refused, 409, "agent_needs_model")
    assert node.orders == []
    plan = await plan_of(resources, node, org, await save(api, prompt="sales", model="gemini:m"))
    assert (plan.providers.llm, plan.providers.llm_fallbacks) == ("gemini:m", ())


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"name": " "}, "name", "at least 1"),
        ({"playbook": "absent"}, "playbook", "cannot be read"),
        ({"playbook": "../secrets"}, "playbook", "small letters"),
        ({"type": "Sales Agent"}, "type", "pattern"),
        ({"language": "portuguese"}, "language", "pattern"),
        ({"model": "gpt"}, "model", "openai:MODEL"),
        ({"model": "acme:x"}, "model", "openai:MODEL"),
        ({"model": "openai:"}, "model", "openai:MODEL"),
        ({"model": "openai:m", "temperature": 2.01}, "temperature", "openai takes 0 to 2"),
        ({"model": "anthropic:m", "temperature": 1.5}, "temperature", "anthropic takes 0 to 1"),
        ({"temperature": 1.5}, "temperature", "every provider takes 0 to 1"),
        ({"temperature": -0.1}, "temperature", "0 to 1"),
        ({"stt": "deepgramm:nova-3"}, "stt", "deepgram:MODEL"),
        ({"stt": "deepgram:"}, "stt", "embedded, whisper"),
        ({"voice": "acme:anna"}, "voice", "elevenlabs:VOICE"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"max_tokens": 9_000}, "max_tokens", "8192"),
        ({"tools": ["fly"]}, "tools.0", "look_up_lead"),
        ({"prompt": "absent", "model": "openai:m"}, "prompt", "write it first"),
        ({"prompt": "sales", "model": "scripted"}, "model", "needs a language model"),
        ({"prompt": "sales", "prompt_version": "9.0"}, "prompt_version", "no such version"),
        ({"prompt": "sales", "prompt_version": "new"}, "prompt_version", "or latest"),
        ({"temprature": 1}, "temprature", "not permitted"),
    ],
)
async def test_what_a_call_could_not_use_is_refused_when_saved(
    change: dict[str, Any], field: str, why: str, api: httpx.AsyncClient
) -> None:
    await write(api)
    [fault] = problem(await api.post("/api/agents", json=BODY | change), 400, "invalid_request")["fields"]
    assert fault["field"] == f"body.{field}"
    assert why in fault["fault"]
    assert len(data(await api.get("/api/agents"))) == 1


async def test_agents_are_their_organisations_and_admins_change_them(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org, resources: Resources
) -> None:
    agent = await save(api)
    other = await make_org(sessions)
    signed = data(await client.post("/api/sessions", json={"email": other.email, "password": other.password}), 201)
    theirs = {"Authorization": f"Bearer {signed['token']}"}
    problem(await client.get(f"/api/agents/{agent['id']}", headers=theirs), 404, "agent_not_found")
    problem(await client.put(f"/api/agents/{agent['id']}", json=BODY, headers=theirs), 404, "agent_not_found")
    problem(await api.get(f"/api/agents/{uuid4()}"), 404, "agent_not_found")
    await become(Role.REP, org, resources)
    problem(await api.post("/api/agents", json=BODY), 403, "forbidden")
    problem(await api.put(f"/api/agents/{agent['id']}", json=BODY), 403, "forbidden")
    assert data(await api.get(f"/api/agents/{agent['id']}"))["name"] == "Sol"
