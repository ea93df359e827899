"""Tasks over HTTP: made, listed by when they are due, handed over, completed, and nobody else's."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.permissions import Role
from crm.resources import Resources
from events.call import FactKind, FactNoted
from tests.crm.conftest import Org, add_member, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem


async def _add(api: httpx.AsyncClient, org: Org, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = data(await api.post(f"/api/leads/{org.lead_id}/tasks", json=body), 201)
    return made


async def test_a_task_is_made_handed_over_and_done(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    other = await add_member(sessions, org, Role.REP)
    made = await _add(api, org, title=" Send the offer ", due_at="2030-01-02T09:00:00Z")
    assert (made["title"], made["kind"], made["status"]) == ("Send the offer", "todo", "open")
    assert (made["created_by"], made["assignee_id"], made["call_id"]) == (str(org.user_id), None, None)
    path = f"/api/tasks/{made['id']}"
    handed = data(await api.patch(path, json={"assignee_id": str(other.user_id)}))
    assert (handed["assignee_id"], handed["title"], handed["version"]) == (str(other.user_id), "Send the offer", 2)
    done = data(await api.patch(path, json={"status": "done"}))
    assert (done["status"], done["done_by"], done["due_at"]) == ("done", str(org.user_id), made["due_at"])
    items = data(await api.get(f"/api/leads/{org.lead_id}/timeline", params={"kind": "task"}))["items"]
    assert [(item["details"]["status"], item["details"]["done_at"] is not None) for item in items] == [("done", True)]
    opened = data(await api.patch(path, json={"status": "open", "due_at": None, "assignee_id": None}))
    assert [opened[name] for name in ("done_at", "done_by", "due_at", "assignee_id")] == [None] * 4
    assert data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"][0]["id"] == made["id"]


async def test_what_is_due_first_is_listed_first(api: httpx.AsyncClient, org: Org) -> None:
    late = await _add(api, org, title="late", due_at="2031-01-01T00:00:00Z")
    tied = [await _add(api, org, title=f"tied {number}", due_at="2030-06-01T00:00:00+02:00") for number in range(3)]
    now = await _add(api, org, title="now", assignee_id=str(org.user_id))
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await api.get("/api/tasks", params={"limit": 2, "cursor": cursor})
        shown += [task["id"] for task in data(answer)]
        cursor = answer.json()["pagination"]["next"]
    assert shown == [now["id"], *sorted(task["id"] for task in tied), late["id"]]
    data(await api.patch(f"/api/tasks/{now['id']}", json={"status": "cancelled"}))
    for query, found in (
        ({"status": "open"}, 4),
        ({"status": "cancelled"}, 1),
        ({"assignee_id": str(org.user_id)}, 1),
        ({"assignee_id": str(uuid4())}, 0),
        ({"lead_id": str(org.lead_id), "due_before": "2030-12-31T00:00:00Z", "status": "open"}, 3),
        ({"lead_id": str(uuid4())}, 0),
    ):
        assert len(data(await api.get("/api/tasks", params=query))) == found, query


async def test_a_change_needs_what_was_read(api: httpx.AsyncClient, org: Org) -> None:
    answer = await api.post(f"/api/leads/{org.lead_id}/tasks", json={"title": "Call"})
    path, read = f"/api/tasks/{data(answer, 201)['id']}", {"If-Match": answer.headers["etag"]}
    assert data(await api.patch(path, json={"title": "Write"}, headers=read))["title"] == "Write"
    problem(await api.patch(path, json={"title": "Go"}, headers=read), 412, "version_changed")


async def test_a_task_of_a_call_is_done_by_a_person(
    api: httpx.AsyncClient,
    org: Org,
    resources: Resources,
    node: FakeNode,
    consumer: EventConsumer,
    redis: Redis,
) -> None:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    script = CallScript(org.id, answer.call_id)
    await publish(redis, script.event(FactNoted(FactKind.CALLBACK_REQUESTED, when="tomorrow")))
    await consumer.turn()
    (task,) = data(await api.get("/api/tasks", params={"status": "open"}))
    assert (task["due_text"], task["created_by"], task["call_id"]) == ("tomorrow", None, str(answer.call_id))
    assert data(await api.patch(f"/api/tasks/{task['id']}", json={"status": "done"}))["status"] == "done"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"title": " "}, "body.title"),
        ({"title": None}, "body.title"),
        ({"status": "later"}, "body.status"),
        ({"due_at": "2030-01-01T00:00:00"}, "body.due_at"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "body.due_at"),
        ({"assignee_id": str(uuid4())}, "body.assignee_id"),
        ({"kind": "x"}, "body.kind"),
    ],
)
async def test_what_cannot_be_changed(api: httpx.AsyncClient, org: Org, body: dict[str, Any], field: str) -> None:
    made = await _add(api, org, title="Call")
    details = problem(await api.patch(f"/api/tasks/{made['id']}", json=body), 400, "invalid_request")
    assert details["fields"][0]["field"].startswith(field)
    assert data(await api.get("/api/tasks"))[0] == made, "nothing was changed"


async def test_others_leads_tasks_and_people(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    problem(await api.post(f"/api/leads/{other.lead_id}/tasks", json={"title": "x"}), 404, "lead_not_found")
    problem(await api.patch(f"/api/tasks/{uuid4()}", json={"title": "x"}), 404, "task_not_found")
    body = {"title": "x", "assignee_id": str(other.user_id)}
    details = problem(await api.post(f"/api/leads/{org.lead_id}/tasks", json=body), 400, "invalid_request")
    assert details["fields"][0]["field"] == "body.assignee_id"
