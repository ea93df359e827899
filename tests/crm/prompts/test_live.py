"""Another version in force: the live calls that follow it are told, and no others."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis

from crm.billing.ledger import Ledger
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.leads.model import Lead
from crm.prompts import live
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import Answered, Finished, Outcome, Speaker, State, StateChanged, TurnFinished
from events.command import Command, Dial, Reply, UsePrompt
from events.money import credits_to_milli
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish, refuse
from tests.crm.prompts.test_usecases import add, write
from tests.crm.test_api import data

MODEL = "openai:some-model"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AGAIN_S", 0.01)


@pytest.fixture(autouse=True)
async def rich(sessions: Sessions, org: Org) -> None:
    """Credits for several calls at once."""
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).fund(credits_to_milli(10_000), "fund:more")
        await unit.commit()


def takes(*, late: int = 0) -> Callable[[Command], Reply]:
    """A node that holds every call; the first `late` times it is asked it does not hold them yet."""
    asked = 0

    def answer(order: Command) -> Reply:
        nonlocal asked
        if not isinstance(order.body, UsePrompt):
            return Reply(order.id, accepted=True, state="dialing")
        asked += 1
        here = () if asked <= late else tuple(one.call_id for one in order.body.calls)
        return Reply(order.id, accepted=True, calls=here)

    return answer


def told(node: FakeNode) -> list[UsePrompt]:
    return [order.body for order in node.orders if isinstance(order.body, UsePrompt)]


def planned(node: FakeNode) -> list[Dial]:
    return [order.body for order in node.orders if isinstance(order.body, Dial)]


async def call_with(api: httpx.AsyncClient, resources: Resources, org: Org, **changes: Any) -> UUID:
    body = {"name": "Sol", "playbook": "meeting", "prompt": "sales", "model": MODEL} | changes
    agent = data(await api.post("/api/agents", json=body), 201)
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=UUID(agent["id"])), org.id)
    return answer.call_id


async def test_a_live_call_is_told_of_a_new_version_and_of_the_way_back(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    node.answer = takes()
    await write(api)
    call_id = await call_with(api, resources, org)
    [dial] = planned(node)
    assert dial.plan.prompt is not None
    assert (dial.plan.prompt.version, dial.plan.prompt_version) == ("1.0", "1.0")
    assert dial.plan.variables["offer"] == "lamps"

    answer = await add(api, "Sell {offer}.", variables={"offer": "chairs"}, activate=True)
    assert answer["live_calls"] == {"told": 1, "unreached": 0}
    [order] = told(node)
    assert (order.prompt.version, order.prompt.text) == ("1.1", "Sell {offer}.")
    assert [(one.call_id, one.variables) for one in order.calls] == [(call_id, {"offer": "chairs"})]
    assert data(await api.get(f"/api/calls/{call_id}"))["prompt_version"] == "1.1"

    back = data(await api.post("/api/prompts/sales/rollback"))
    assert back["live_calls"] == {"told": 1, "unreached": 0}
    assert told(node)[-1].prompt.version == "1.0"
    assert data(await api.get(f"/api/calls/{call_id}"))["prompt_version"] == "1.0"


async def test_the_leads_own_values_are_in_the_plan_and_in_the_command(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    node.answer = takes()
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Lead, (org.id, org.lead_id))).custom_fields = {"offer": "clocks"}
        await unit.commit()
    await write(api)
    await call_with(api, resources, org)
    assert planned(node)[0].plan.variables["offer"] == "clocks"
    await add(api, "{offer}!", variables={"offer": "chairs"}, activate=True)
    assert told(node)[0].calls[0].variables == {"offer": "clocks"}


async def test_calls_that_do_not_follow_are_left_alone(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, redis: Redis, consumer: EventConsumer, org: Org
) -> None:
    node.answer = takes()
    await write(api)
    await write(api, "other")
    await call_with(api, resources, org, prompt_version="1.0")  # an exact one
    await call_with(api, resources, org, prompt="other")
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id, agent_id=org.agent_id), org.id)  # a playbook's
    over = CallScript(org.id, await call_with(api, resources, org))
    end = Finished(State.ENDED, Outcome.HUNG_UP)
    await publish(redis, *over.events([StateChanged(State.DIALING, State.IDLE), Answered(), end]))
    async with asyncio.timeout(10):
        while data(await api.get(f"/api/calls/{over.call_id}"))["state"] != "ended":
            await consumer.turn()
    assert (await add(api, "new", activate=True))["live_calls"] == {"told": 0, "unreached": 0}
    assert told(node) == []


async def test_a_call_that_is_just_being_placed_is_asked_for_again(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    node.answer = takes(late=2)
    await write(api)
    await call_with(api, resources, org)
    assert (await add(api, "new", activate=True))["live_calls"] == {"told": 1, "unreached": 0}
    assert len(told(node)) == 3


async def test_a_node_that_does_not_take_it_is_told_of(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    node.answer = takes()
    await write(api)
    call_id = await call_with(api, resources, org)
    node.answer = refuse("late")
    assert (await add(api, "new", activate=True))["live_calls"] == {"told": 0, "unreached": 1}
    assert data(await api.get(f"/api/calls/{call_id}"))["prompt_version"] == "1.0", "what really speaks"
    node.answer = takes()
    again = data(await api.put("/api/prompts/sales/active", json={"version": "1.1"}))
    assert again["live_calls"] == {"told": 1, "unreached": 0}


async def test_shares_are_the_same_at_the_dial_and_in_the_call(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, org: Org
) -> None:
    node.answer = takes()
    await write(api)
    await add(api, "b", variables={})
    calls = [await call_with(api, resources, org) for _ in range(6)]
    answer = data(await api.put("/api/prompts/sales/shares", json={"shares": {"1.0": 50, "1.1": 50}}))
    have = {call_id: data(await api.get(f"/api/calls/{call_id}"))["prompt_version"] for call_id in calls}
    assert answer["live_calls"]["told"] == sum(version == "1.1" for version in have.values())
    for call_id, version in have.items():
        text = data(await api.get("/api/prompts/sales/text", params={"call_id": str(call_id)}))
        assert text["version"] == version
    placed = await call_with(api, resources, org)
    assert data(await api.get(f"/api/calls/{placed}"))["prompt_version"] == planned(node)[-1].plan.prompt_version
    text = data(await api.get("/api/prompts/sales/text", params={"call_id": str(placed)}))
    assert text["version"] == planned(node)[-1].plan.prompt_version


async def test_another_organisations_prompt_of_that_name_says_nothing_here(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    resources: Resources,
    node: FakeNode,
    sessions: Sessions,
    org: Org,
) -> None:
    node.answer = takes()
    await write(api)
    await call_with(api, resources, org)
    other = await make_org(sessions)
    signed = data(await client.post("/api/sessions", json={"email": other.email, "password": other.password}), 201)
    client.headers["Authorization"] = f"Bearer {signed['token']}"
    await write(client)
    assert (await add(client, "theirs", activate=True))["live_calls"] == {"told": 0, "unreached": 0}
    assert told(node) == []


async def test_a_turn_says_which_version_spoke(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, redis: Redis, consumer: EventConsumer, org: Org
) -> None:
    await write(api)
    script = CallScript(org.id, await call_with(api, resources, org))
    turn = TurnFinished(1, Speaker.AGENT, "Hi.", "Hi.", 0, 500, prompt_version="1.0")
    await publish(redis, *script.events([StateChanged(State.DIALING, State.IDLE), Answered(), turn]))
    async with asyncio.timeout(10):
        while not (turns := data(await api.get(f"/api/calls/{script.call_id}"))["turns"]):
            await consumer.turn()
    assert turns[0]["prompt_version"] == "1.0"
