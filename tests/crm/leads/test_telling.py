"""Events about leads, whichever way they come and are changed."""

from typing import Any

import httpx
from redis.asyncio import Redis
from sqlalchemy import select

from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.outbox.model import OutboxEvent
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.webhooks.delivering import KINDS
from events.call import Answered, FactKind, FactNoted
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data


async def told(kind: str, org: Org, sessions: Sessions) -> list[dict[str, Any]]:
    assert kind in KINDS, "webhooks may ask for it"
    async with UnitOfWork(sessions, org.id) as unit:
        of_kind = select(OutboxEvent.body).where(OutboxEvent.org_id == org.id, OutboxEvent.kind == kind)
        return list(await unit.session.scalars(of_kind.order_by(OutboxEvent.id)))


async def test_a_lead_made_by_dialling_a_number_is_told_of_once(
    org: Org, resources: Resources, node: FakeNode, sessions: Sessions
) -> None:
    answers = [await resources.dialler.dial(DialRequest(number="+12025550199"), org.id) for _ in range(2)]
    assert answers[0].lead_id == answers[1].lead_id
    made = {"lead_id": str(answers[0].lead_id), "status": "novo", "source": "dial"}
    assert await told("lead.created", org, sessions) == [made]


async def test_changes_tell_the_names_of_fields_and_nothing_of_what_they_hold(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    path = f"/api/leads/{org.lead_id}"
    read = data(await api.get(path))
    same = {name: read[name] for name in ("name", "company", "phone", "score")}
    data(await api.put(path, json=same))
    assert await told("lead.changed", org, sessions) == [], "nothing was changed"
    data(await api.put(path, json=same | {"name": "Dana Rose", "custom_fields": {"city": "Recife"}}))
    data(await api.put(f"{path}/stage", json={"status": "won"}))
    data(await api.put(f"{path}/score", json={"score": 70}))
    fields = (["name", "custom_fields"], ["status"], ["score"])
    expected = [{"lead_id": str(org.lead_id), "fields": names} for names in fields]
    assert await told("lead.changed", org, sessions) == expected


async def test_what_a_call_changes_is_told(
    org: Org, script: CallScript, redis: Redis, consumer: EventConsumer, sessions: Sessions
) -> None:
    await publish(redis, *script.events([Answered(), FactNoted(FactKind.OPTED_OUT)]))
    await consumer.turn()
    expected = {"lead_id": str(org.lead_id), "fields": ["status", "do_not_call"]}
    assert await told("lead.changed", org, sessions) == [expected]
