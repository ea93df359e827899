"""Votes on what models made, and the data set that comes of them."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import insert

from agent.llm.registry import Models
from config.settings import Settings
from crm.call_events import EventConsumer
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.votes.model import Vote
from crm.votes.trust import MANY
from events.ids import new_id
from tests.crm.call_story import rows
from tests.crm.conftest import Org, become, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode
from tests.crm.test_api import data, problem
from tests.crm.understanding.calls import PLAYBOOKS, desk, held, use_playbook, write_all


@pytest.fixture
def config_folder(config_folder: Path) -> Path:
    """With the playbook that the script follows."""
    name = "energy_meeting.yaml"
    (config_folder / "playbooks" / name).write_text((PLAYBOOKS / name).read_text())
    return config_folder


@pytest.fixture
async def script(consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org) -> CallScript:
    await use_playbook(resources, org)
    return await held(consumer, redis, resources, org)


async def agent_turns(api: httpx.AsyncClient, script: CallScript) -> list[str]:
    turns = data(await api.get(f"/api/calls/{script.call_id}"))["turns"]
    return [turn["id"] for turn in turns if turn["speaker"] == "agent"]


async def exported(api: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get("/api/votes/export", params=query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_person_has_one_vote_on_a_thing_and_may_change_it(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, org: Org
) -> None:
    [first, _second] = await agent_turns(api, script)
    url = f"/api/votes/turn/{first}"
    assert data(await api.put(url, json={"vote": "down", "comment": "too long"}))["vote"] == "down"
    assert data(await api.put(url, json={"vote": "up"}))["vote"] == "up"
    [vote] = await rows(resources.sessions, org, Vote)
    assert (vote.vote, vote.comment, len(vote.prompt_hash)) == (1, "", 64)
    assert (await api.delete(url)).status_code == 204
    assert await rows(resources.sessions, org, Vote) == []


async def test_the_data_set_has_prompt_answer_and_votes(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, redis: Redis
) -> None:
    [first, second] = await agent_turns(api, script)
    async with Models({}) as models:
        await write_all(resources, redis, desk(models))
    notes = data(await api.get(f"/api/calls/{script.call_id}/notes"))
    await api.put(f"/api/votes/turn/{second}", json={"vote": "up", "comment": "good"})
    await api.put(f"/api/votes/notes/{notes['id']}", json={"vote": "down"})
    lines = {line["kind"]: line for line in await exported(api)}
    assert lines["turn"]["prompt"] == "caller: hello\nagent: Hello, this is Alex.\ncaller: it is too expensive for us"
    assert (lines["turn"]["answer"], lines["turn"]["up"], lines["turn"]["comments"]) == ("It is free.", 1, ["good"])
    assert json.loads(lines["notes"]["answer"])["summary"] == notes["summary"]
    assert lines["notes"]["down"] == 1
    first_page = await api.get("/api/votes/export", params={"limit": 1})
    assert len(first_page.text.splitlines()) == 1
    rest = await exported(api, after=first_page.headers["X-Next-After"])
    assert len(rest) == 1
    assert first not in str(lines)


async def test_what_was_written_anew_since_the_vote_is_left_out(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, redis: Redis
) -> None:
    async with Models({}) as models:
        await write_all(resources, redis, desk(models))
    url = f"/api/calls/{script.call_id}/notes"
    await api.put(f"/api/votes/notes/{data(await api.get(url))['id']}", json={"vote": "down"})
    await api.put(url, json={"summary": "Better."})
    assert await exported(api) == []


async def test_votes_of_a_mass_down_voter_are_left_out_and_stay_where_they_are(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, org: Org
) -> None:
    [first, second] = await agent_turns(api, script)
    await api.put(f"/api/votes/turn/{first}", json={"vote": "up"})
    await api.put(f"/api/votes/turn/{second}", json={"vote": "up"})
    troll = new_id()
    real = (await rows(resources.sessions, org, Vote))[0]
    copied = {"call_id": script.call_id, "prompt_hash": real.prompt_hash, "answer_hash": real.answer_hash}
    async with UnitOfWork(resources.sessions, org.id) as unit:
        for number in range(MANY):
            generation = real.generation_id if number == 0 else new_id()
            made = {"kind": "turn", "generation_id": generation, "user_id": troll, "vote": -1, **copied}
            await unit.session.execute(insert(Vote).values(org_id=org.id, id=new_id(), **made))
        await unit.commit()
    lines = await exported(api)
    assert [(line["up"], line["down"]) for line in lines] == [(1, 0), (1, 0)]
    assert len(await rows(resources.sessions, org, Vote)) == MANY + 2


async def test_erased_words_are_in_no_data_set(
    script: CallScript, api: httpx.AsyncClient, resources: Resources, org: Org
) -> None:
    [first, _second] = await agent_turns(api, script)
    await api.put(f"/api/votes/turn/{first}", json={"vote": "up", "comment": "she said hello"})
    answer = await api.delete(f"/api/calls/{script.call_id}/content")
    assert answer.status_code < 300
    assert await exported(api) == []
    [vote] = await rows(resources.sessions, org, Vote)
    assert vote.comment == ""
    problem(await api.put(f"/api/votes/turn/{first}", json={"vote": "up"}), 404, "generation_not_found")


async def test_only_what_a_model_made_can_be_voted_on(script: CallScript, api: httpx.AsyncClient) -> None:
    turns = data(await api.get(f"/api/calls/{script.call_id}"))["turns"]
    caller = next(turn["id"] for turn in turns if turn["speaker"] == "caller")
    for path in (f"turn/{caller}", f"turn/{new_id()}", f"notes/{new_id()}"):
        problem(await api.put(f"/api/votes/{path}", json={"vote": "up"}), 404, "generation_not_found")
    problem(await api.put(f"/api/votes/poem/{caller}", json={"vote": "up"}), 400, "invalid_request")


async def test_only_admins_get_the_data_set_and_of_their_own_organisation(
    script: CallScript,
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    resources: Resources,
    settings: Settings,
    org: Org,
) -> None:
    [first, _second] = await agent_turns(api, script)
    await api.put(f"/api/votes/turn/{first}", json={"vote": "up"})
    other = await make_org(resources.sessions)
    theirs = {"Authorization": f"Bearer {token_of(other, settings)}"}
    assert (await client.get("/api/votes/export", headers=theirs)).text == ""
    await become(Role.REP, org, resources)
    problem(await api.get("/api/votes/export"), 403, "forbidden")
