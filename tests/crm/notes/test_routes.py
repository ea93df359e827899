"""Notes over HTTP: written, listed, changed, removed, in the timeline, and nobody else's."""

from uuid import uuid4

import httpx

from crm.database import Sessions
from crm.leads.model import Lead
from crm.notes.model import TOGETHER_CHARS_MAX, Note
from crm.unit_of_work import UnitOfWork
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


async def test_a_leads_own_text_says_all_of_its_notes_and_is_searched(api: httpx.AsyncClient, org: Org) -> None:
    lead = f"/api/leads/{org.lead_id}"
    first = data(await api.post(f"{lead}/notes", json={"text": "likes mornings"}), 201)
    data(await api.post(f"{lead}/notes", json={"text": "two bakeries"}), 201)
    assert data(await api.get(lead))["notes"] == "likes mornings\ntwo bakeries"
    assert [one["id"] for one in data(await api.get("/api/leads", params={"q": "baker"}))] == [str(org.lead_id)]
    data(await api.put(f"{lead}/notes/{first['id']}", json={"text": "likes evenings"}))
    assert data(await api.get("/api/leads", params={"q": "mornings"})) == []
    assert (await api.delete(f"{lead}/notes/{first['id']}")).status_code == 204
    assert data(await api.get(lead))["notes"] == "two bakeries"


async def test_a_text_that_is_sent_with_a_lead_is_one_more_note(api: httpx.AsyncClient, org: Org) -> None:
    made = data(await api.post("/api/leads", json={"name": "Zoe", "notes": "three shops"}), 201)
    lead = f"/api/leads/{made['id']}"
    assert made["notes"] == "three shops"
    for sent in ("three shops", "three shops\nlikes mornings", "", "three shops\nlikes mornings"):
        changed = data(await api.put(lead, json={"name": "Zoe", "notes": sent}))
        assert changed["notes"].startswith("three shops")
    notes = data(await api.get(f"{lead}/notes"))
    assert [(note["text"], note["author_id"]) for note in notes] == [
        ("likes mornings", str(org.user_id)),
        ("three shops", str(org.user_id)),
    ]


async def test_the_newest_of_many_notes_are_in_the_text(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add_all([Note(org_id=org.id, lead_id=org.lead_id, text=str(n) * 9_000) for n in range(4)])
        await unit.commit()
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
    assert (len(lead.notes), lead.notes[-9_000:]) == (TOGETHER_CHARS_MAX, "3" * 9_000)
