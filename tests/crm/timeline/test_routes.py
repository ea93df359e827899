"""A lead's timeline through the real application: whole, in order, by cursor, and nobody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update

from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.leads.model import Lead, Task
from crm.resources import Resources
from crm.timeline.model import LeadChange
from crm.unit_of_work import UnitOfWork
from events.call import Answered, FactKind, FactNoted
from events.ids import new_id
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


async def _read(api: httpx.AsyncClient, lead_id: UUID, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = data(await api.get(f"/api/leads/{lead_id}/timeline", params=asked), 200)
    return found


async def _pages(api: httpx.AsyncClient, lead_id: UUID, limit: int) -> list[str]:
    found = await _read(api, lead_id, limit=limit)
    ids = [item["id"] for item in found["items"]]
    while found["next"] is not None:
        found = await _read(api, lead_id, limit=limit, cursor=found["next"])
        assert found["items"], "a cursor leads to something"
        ids += [item["id"] for item in found["items"]]
    return ids


async def _add_tasks(sessions: Sessions, org: Org, *times: datetime) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add_all(
            Task(org_id=org.id, lead_id=org.lead_id, kind="todo", title=f"Task {number}", created_at=at)
            for number, at in enumerate(times)
        )
        await unit.commit()


async def test_calls_tasks_and_changes_are_one_list(
    api: httpx.AsyncClient, sessions: Sessions, org: Org, resources: Resources, node: FakeNode
) -> None:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    await _add_tasks(sessions, org, NOON)
    async with UnitOfWork(sessions, org.id) as unit:
        mine = (Lead.org_id == org.id, Lead.id == org.lead_id)
        await unit.session.execute(update(Lead).where(*mine).values(score=30, status="meeting_booked"))
        await unit.session.execute(update(Lead).where(*mine).values(score=30, company="Another"))
        await unit.session.execute(update(Lead).where(*mine).values(do_not_call=True))
        await unit.commit()

    items = (await _read(api, org.lead_id))["items"]
    assert [item["kind"] for item in items] == ["change", "change", "call", "task"]
    nobody = {"by": None, "by_id": None}
    assert items[0]["details"] == {"changes": {"do_not_call": [False, True]}} | nobody
    assert items[1]["details"] == {"changes": {"score": [0, 30], "status": ["novo", "meeting_booked"]}} | nobody
    assert (items[2]["id"], items[2]["details"]["state"]) == (str(answer.call_id), "queued")
    assert items[3]["details"]["title"] == "Task 0"
    only = (await _read(api, org.lead_id, kind=["task", "call"]))["items"]
    assert [item["kind"] for item in only] == ["call", "task"]


async def _authors(api: httpx.AsyncClient, org: Org) -> list[tuple[str | None, str | None]]:
    items = (await _read(api, org.lead_id, kind="change"))["items"]
    return [(item["details"]["by"], item["details"]["by_id"]) for item in items]


async def test_a_change_tells_who_made_it(
    api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org, script: CallScript, redis: Redis,
    consumer: EventConsumer,
) -> None:  # fmt: skip
    path = f"/api/leads/{org.lead_id}"
    data(await api.put(f"{path}/stage", json={"status": "won"}))
    tag = data(await api.post("/api/tags", json={"name": "warm", "color": "#1f77b4"}), 201)
    data(await api.put(f"{path}/tags", json={"tag_ids": [tag["id"]]}))
    asked = {"name": "till", "scopes": ["leads:read", "leads:write"]}
    key = data(await api.post("/api/keys", json=asked), 201)
    bearer = {"Authorization": f"Bearer {key['key']}"}
    data(await client.put(f"{path}/stage", json={"status": "novo"}, headers=bearer))
    await publish(redis, *script.events([Answered(), FactNoted(FactKind.OPTED_OUT)]))
    await consumer.turn()
    person = ("user", str(org.user_id))
    assert await _authors(api, org) == [("call", str(script.call_id)), ("key", key["id"]), person, person]


async def test_ties_are_shown_once_each(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    await _add_tasks(sessions, org, *[NOON] * 7, NOON - timedelta(hours=1))
    whole = await _pages(api, org.lead_id, 100)
    assert len(set(whole)) == len(whole) == 8
    for limit in (1, 2, 3, 7, 8):
        assert await _pages(api, org.lead_id, limit) == whole


async def test_what_is_added_between_two_pages_moves_nothing(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    """Rows that were there are shown once and in order, wherever others are put in meanwhile."""
    hours = [timedelta(hours=number // 2) for number in range(6)]  # in pairs of ties
    await _add_tasks(sessions, org, *[NOON - each for each in hours])
    there = await _pages(api, org.lead_id, 100)
    seen: list[str] = []
    cursor = None
    while len(seen) < 30:
        found = await _read(api, org.lead_id, limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [item["id"] for item in found["items"]]
        cursor = found["next"]
        if cursor is None:
            break
        if len(seen) <= 6:
            # Before, amid, among the ties of, and behind what was shown.
            await _add_tasks(sessions, org, NOON + timedelta(hours=1), NOON, NOON - timedelta(hours=1))
    assert [each for each in seen if each in there] == there
    assert len(set(seen)) == len(seen)


async def test_changes_outlive_nothing(sessions: Sessions, org: Org) -> None:
    """The application may write them down, and neither change nor remove them."""
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(LeadChange(org_id=org.id, lead_id=org.lead_id, changes={"score": [0, 1]}))
        await unit.commit()
    async with UnitOfWork(sessions, org.id) as unit:
        for statement in ("DELETE FROM lead_changes", "UPDATE lead_changes SET changes = '{}'"):
            with pytest.raises(Exception, match="permission denied"):
                async with unit.session.begin_nested():
                    await unit.session.execute(text(statement))


async def test_a_lead_of_others_is_no_lead(api: httpx.AsyncClient, sessions: Sessions) -> None:
    stranger = await make_org(sessions)
    await _add_tasks(sessions, stranger, NOON)
    for lead_id in (stranger.lead_id, new_id()):
        problem(await api.get(f"/api/leads/{lead_id}/timeline"), 404, "lead_not_found")


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"kind": "nothing"}, {"cursor": "x"}])
async def test_bad_requests_name_their_field(api: httpx.AsyncClient, org: Org, asked: dict[str, Any]) -> None:
    told = problem(await api.get(f"/api/leads/{org.lead_id}/timeline", params=asked), 400, "invalid_request")
    assert next(iter(asked)) in told["fields"][0]["field"]
