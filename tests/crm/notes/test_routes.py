"""Notes over HTTP: written, listed, changed, removed, in the timeline, and nobody else's."""

from uuid import uuid4

import httpx

from crm.database import Sessions
from events.ids import new_id
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem


async def test_notes_are_rows_of_the_timeline(api: httpx.AsyncClient, org: Org) -> None:
    path = f"/api/leads/{org.lead_id}/notes"
    first = data(await api.post(path, json={"text": "  likes mornings "}), 201)
    assert (first["text"], first["author_id"], first["version"]) == ("likes mornings", str(org.user_id), 1)
    second = data(await api.post(path, json={"text": "two shops"}), 201)
    items = data(await api.get(f"/api/leads/{org.lead_id}/timeline", params={"kind": "note"}))["items"]
    assert [(item["id"], item["details"]["text"]) for item in items] == [
        (second["id"], "two shops"),
        (first["id"], "likes mornings"),
    ]
    page = await api.get(path, params={"limit": 1})
    assert [note["id"] for note in data(page)] == [second["id"]]
    rest = await api.get(path, params={"limit": 1, "cursor": page.json()["pagination"]["next"]})
    assert [note["id"] for note in data(rest)] == [first["id"]]
    assert rest.json()["pagination"]["next"] is None


async def test_a_change_needs_what_was_read(api: httpx.AsyncClient, org: Org) -> None:
    path = f"/api/leads/{org.lead_id}/notes"
    answer = await api.post(path, json={"text": "one shop"})
    note, read = f"{path}/{data(answer, 201)['id']}", {"If-Match": answer.headers["etag"]}
    changed = await api.put(note, json={"text": "two shops"}, headers=read)
    assert (data(changed)["text"], data(changed)["changed_by"]) == ("two shops", str(org.user_id))
    problem(await api.put(note, json={"text": "three"}, headers=read), 412, "version_changed")
    problem(await api.delete(note, headers=read), 412, "version_changed")
    assert (await api.delete(note, headers={"If-Match": changed.headers["etag"]})).status_code == 204
    problem(await api.delete(note), 404, "note_not_found")
    assert data(await api.get(path)) == []


async def test_one_key_writes_one_note(api: httpx.AsyncClient, org: Org) -> None:
    path, headers = f"/api/leads/{org.lead_id}/notes", {"Idempotency-Key": str(uuid4())}
    first = await api.post(path, json={"text": "once"}, headers=headers)
    assert data(first, 201) == data(await api.post(path, json={"text": "once"}, headers=headers), 201)
    assert len(data(await api.get(path))) == 1


async def test_what_is_no_note(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    path = f"/api/leads/{org.lead_id}/notes"
    for text in ("", "  ", "a\x00b", "x" * 10_001):
        details = problem(await api.post(path, json={"text": text}), 400, "invalid_request")
        assert details["fields"][0]["field"] == "body.text"
    problem(await api.put(f"{path}/{new_id()}", json={"text": "x"}), 404, "note_not_found")
    other = await make_org(sessions)
    problem(await api.post(f"/api/leads/{other.lead_id}/notes", json={"text": "x"}), 404, "lead_not_found")
    problem(await api.get(f"/api/leads/{other.lead_id}/notes"), 404, "lead_not_found")
    # A note is found under its own lead only.
    written = data(await api.post(path, json={"text": "x"}), 201)
    another = data(await api.post("/api/leads", json={"name": "Eli"}), 201)
    problem(await api.delete(f"/api/leads/{another['id']}/notes/{written['id']}"), 404, "note_not_found")
