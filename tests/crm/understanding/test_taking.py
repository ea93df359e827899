"""From the events of a call to what the API tells of moods and objections."""

import httpx
from redis.asyncio import Redis

from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.resources import Resources
from crm.understanding.model import CallNotes, NoteDuty, Objection
from events.command import Dial
from events.understanding import CorrectedObjection
from tests.crm.call_story import rows
from tests.crm.conftest import Org
from tests.crm.fake_node import FakeNode, publish
from tests.crm.test_api import data
from tests.crm.understanding.calls import HELD, HOSTILE, held, use_playbook


async def test_a_turn_has_its_mood_and_the_call_its_objections(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    script = await held(consumer, redis, resources, org)
    told = data(await api.get(f"/api/calls/{script.call_id}"))
    callers = [turn for turn in told["turns"] if turn["speaker"] == "caller"]
    assert [turn["mood"] for turn in callers] == ["neutral", "negative", None]
    assert callers[1]["sentiment"] == -0.63
    [objection] = told["objections"]
    assert (objection["kind"], objection["quote"], objection["turn"]) == ("price", "too expensive", 3)
    assert told["angry_at"] is None
    assert told["notes"]["status"] == "pending"


async def test_an_event_that_is_read_again_changes_nothing(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org
) -> None:
    script = await held(consumer, redis, resources, org)
    again = type(script)(script.org_id, script.call_id)
    await publish(redis, *again.events(HELD))
    await consumer.turn()
    assert len(await rows(resources.sessions, org, Objection)) == 1
    assert len(await rows(resources.sessions, org, CallNotes)) == 1


async def test_an_angry_caller_marks_the_call(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    script = await held(consumer, redis, resources, org, HOSTILE)
    assert data(await api.get(f"/api/calls/{script.call_id}"))["angry_at"] is not None
    [listed] = data(await api.get("/api/calls"))
    assert listed["angry_at"] is not None


async def test_a_call_in_which_nobody_spoke_needs_no_notes(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    script = await held(consumer, redis, resources, org, (*HELD[:2], *HELD[-2:]))
    assert data(await api.get(f"/api/calls/{script.call_id}"))["notes"] is None
    assert await rows(resources.sessions, org, NoteDuty) == []


async def test_a_correction_is_told_and_goes_into_the_next_call_s_plan(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    await use_playbook(resources, org)
    script = await held(consumer, redis, resources, org)
    [objection] = data(await api.get(f"/api/calls/{script.call_id}/objections"))
    corrected = data(await api.put(f"/api/objections/{objection['id']}", json={"kind": "authority"}))
    assert (corrected["kind"], corrected["classified_as"]) == ("authority", "price")
    assert corrected["corrected_by"] == str(org.user_id)

    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    dials = [order.body for order in node.orders if isinstance(order.body, Dial)]
    assert dials[0].plan.corrected == ()
    assert dials[1].plan.corrected == (CorrectedObjection("too expensive", "authority"),)


async def test_an_agent_of_another_language_does_not_get_them(
    consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org, api: httpx.AsyncClient
) -> None:
    script = await held(consumer, redis, resources, org)
    [objection] = data(await api.get(f"/api/calls/{script.call_id}/objections"))
    await api.put(f"/api/objections/{objection['id']}", json={"kind": "none"})
    await use_playbook(resources, org, language="pt-BR")
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    dials = [order.body for order in node.orders if isinstance(order.body, Dial)]
    assert dials[-1].plan.corrected == ()
