"""May a person in a live call have another number telephoned: asked as voice nodes ask it."""

import time
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.call_events import EventConsumer
from crm.compliance.model import Decision
from crm.database import Sessions
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from events.call import Answered, Body, Closed, Finished, Outcome, State
from events.ids import new_id
from events.legs import LEG_PATH, LegAnswer
from events.permit import Purpose, unseal
from tests.crm.conftest import Org, add_member, make_org
from tests.crm.fake_node import CallScript, publish
from tests.crm.test_api import data, problem

NUMBER = "+12025550150"


class Node:
    """A voice node, as far as legs go."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings, script: CallScript, user_id: UUID) -> None:
        self._client = client
        self._key = settings.internal_key.get_secret_value()
        self._script = script
        self.user_id = user_id

    async def post(self, number: str = NUMBER, *, key: str | None = None, **changes: Any) -> httpx.Response:
        body = {
            "org_id": str(self._script.org_id),
            "call_id": str(self._script.call_id),
            "leg_id": str(new_id()),
            "user_id": str(self.user_id),
            "number": number,
            "purpose": "transfer",
        }
        headers = {"Authorization": f"Bearer {self._key if key is None else key}"}
        return await self._client.post(LEG_PATH, json=body | changes, headers=headers)

    async def ask(self, number: str = NUMBER, **changes: Any) -> LegAnswer:
        reply = await self.post(number, **changes)
        assert reply.status_code == 200, reply.text
        return msgspec.json.decode(reply.content, type=LegAnswer)


@pytest.fixture
def node_of_call(client: httpx.AsyncClient, settings: Settings, script: CallScript, org: Org) -> Node:
    return Node(client, settings, script, org.user_id)


async def _told(redis: Redis, consumer: EventConsumer, script: CallScript, *bodies: Body) -> None:
    await publish(redis, *script.events(bodies))
    await consumer.turn()


async def test_a_permit_for_that_number_and_leg_and_nothing_else(
    node_of_call: Node,
    settings: Settings,
    sessions: Sessions,
    org: Org,
    script: CallScript,
    redis: Redis,
    consumer: EventConsumer,
) -> None:
    await _told(redis, consumer, script, Answered())
    leg_id = new_id()
    answer = await node_of_call.ask("+1 (202) 555-0150", leg_id=str(leg_id))
    assert (answer.number, answer.refused) == (NUMBER, "")
    permit = unseal(answer.permit, settings.secret_key.get_secret_value(), time.time())
    assert (permit.id, permit.number, permit.purpose) == (leg_id, NUMBER, Purpose.TRANSFER)
    assert (permit.org_id, permit.call_id) == (org.id, script.call_id)
    assert 0 < permit.funded_s <= 1800, "no longer than the call is paid for"
    async with UnitOfWork(sessions, org.id) as unit:
        decision = await unit.session.get_one(Decision, (org.id, permit.decision_id))
    assert (decision.allowed, decision.number) == (True, NUMBER)


@pytest.mark.parametrize(
    ("number", "refused"),
    [("911", "number_kind_refused"), ("nobody", "number_invalid"), ("+35312345678", "country_not_allowed")],
)
async def test_the_gate_is_asked_as_for_every_dial(node_of_call: Node, number: str, refused: str) -> None:
    answer = await node_of_call.ask(number)
    assert (answer.permit, answer.refused) == ("", refused)


async def test_who_does_not_want_to_be_called_is_not(node_of_call: Node, api: httpx.AsyncClient) -> None:
    data(await api.post("/api/leads", json={"name": "Eli", "phone": NUMBER, "do_not_call": True}), 201)
    assert (await node_of_call.ask()).refused == "do_not_call"


async def test_who_may_talk_in_calls_no_more_has_nobody_telephoned(
    node_of_call: Node, sessions: Sessions, org: Org
) -> None:
    for stranger in (new_id(), (await add_member(sessions, org, Role.ENGINEER)).user_id):
        node_of_call.user_id = stranger
        assert (await node_of_call.ask()).refused == "forbidden"
    node_of_call.user_id = (await add_member(sessions, org, Role.REP)).user_id
    assert (await node_of_call.ask()).permit


async def test_only_for_live_calls_of_that_organisation_and_only_for_our_nodes(
    node_of_call: Node, sessions: Sessions, script: CallScript, redis: Redis, consumer: EventConsumer
) -> None:
    other = await make_org(sessions)
    problem(await node_of_call.post(org_id=str(other.id)), 404, "call_not_found")
    assert (await node_of_call.post(key="no key of ours")).status_code == 401
    assert (await node_of_call.post(purpose="ransom")).status_code == 400
    end = Finished(State.ENDED, Outcome.HUNG_UP, billable_s=1)
    await _told(redis, consumer, script, Answered(), end, Closed())
    problem(await node_of_call.post(), 409, "call_over")
