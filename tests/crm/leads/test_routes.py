"""Leads over HTTP: pages by cursor, search, versions, owners."""

from uuid import uuid4

import httpx
import pytest

from config.settings import Settings
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.permissions import Role
from crm.resources import Resources
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem


async def test_pages_by_cursor_tell_what_follows(api: httpx.AsyncClient, org: Org) -> None:
    for number in range(4):
        data(await api.post("/api/leads", json={"name": f"lead {number}", "owner_id": str(org.user_id)}), 201)
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await api.get("/api/leads", params={"cursor": cursor, "limit": 2, "owner_id": str(org.user_id)})
        names += [lead["name"] for lead in data(answer)]
        assert set(answer.json()["pagination"]) == {"limit", "next", "hasNext"}, "nothing is counted"
        cursor = answer.json()["pagination"]["next"]
    assert names == ["lead 3", "lead 2", "lead 1", "lead 0"]


async def test_search_and_filters(api: httpx.AsyncClient) -> None:
    sent = {"name": "João Prado", "email": "Joao@X.com", "phone": "+55 (11) 99999-0000", "score": 40}
    made = data(await api.post("/api/leads", json=sent | {"custom_fields": {"city": "Recife"}}), 201)
    assert (made["email"], made["phone"], made["zone"]) == ("joao@x.com", "+5511999990000", "America/Sao_Paulo")
    for query in (
        {"q": "joao"},
        {"q": "prado", "field": "city=Recife"},
        {"field": "city=Recife"},
        {"email": " JOAO@x.com "},
        {"phone": "+55 11 99999-0000"},
        {"score_min": "40", "score_max": "40"},
        {"created_from": made["created_at"]},
        {"created_from": made["created_at"], "cursor": ""},
    ):
        assert [lead["id"] for lead in data(await api.get("/api/leads", params=query))] == [made["id"]], query
    for query in ({"q": "maria"}, {"score_min": "41"}, {"created_before": made["created_at"], "q": ""}):
        assert made["id"] not in [lead["id"] for lead in data(await api.get("/api/leads", params=query))], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=x", "query.cursor"),
        ("q=%3F", "query.q"),
        ("q=dana&sort=name", "query.sort"),
        ("q=dana&score_min=3", "query"),
        ("q=a%00", "query.q"),
        ("field=city", "query.field"),
        ("phone=123", "query.phone"),
        ("created_from=2026-01-01T00:00:00", "query.created_from"),
        ("owner_id=me", "query.owner_id"),
        ("score_min=101", "query.score_min"),
    ],
)
async def test_what_cannot_be_asked(query: str, field: str, api: httpx.AsyncClient) -> None:
    details = problem(await api.get(f"/api/leads?{query}"), 400, "invalid_request")
    assert details["fields"][0]["field"].startswith(field)


async def test_a_cursor_belongs_to_one_order(api: httpx.AsyncClient) -> None:
    data(await api.post("/api/leads", json={"name": "second"}), 201)
    answer = await api.get("/api/leads?cursor=&limit=1&sort=name")
    following = answer.json()["pagination"]["next"]
    problem(await api.get("/api/leads", params={"cursor": following}), 400, "invalid_request")
    data(await api.get("/api/leads", params={"cursor": following, "sort": "name"}))


async def test_a_change_of_what_has_changed_meanwhile_is_refused(api: httpx.AsyncClient, org: Org) -> None:
    path, body = f"/api/leads/{org.lead_id}", {"name": "Dana"}
    first = (await api.get(path)).headers["etag"]
    changed = await api.put(path, json=body, headers={"If-Match": first})
    assert data(changed)["version"] == 2
    assert changed.headers["etag"] == (await api.get(path)).headers["etag"] == '"2"'
    problem(await api.put(path, json=body, headers={"If-Match": first}), 412, "version_changed")
    assert data(await api.put(path, json={"name": "Eli"}))["version"] == 3, "who names no version overwrites"


async def test_one_key_makes_one_lead(api: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.post("/api/leads", json={"name": "Once"}, headers=headers)
    again = await api.post("/api/leads", json={"name": "Once"}, headers=headers)
    assert data(first, 201) == data(again, 201)
    assert len(data(await api.get("/api/leads?q=once"))) == 1
    answer = await api.post("/api/leads", json={"name": "Other"}, headers=headers)
    problem(answer, 409, "idempotency_key_reused")


async def test_an_owner_is_a_member(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    for stranger in (uuid4(), other.user_id):
        body = {"name": "Dana", "owner_id": str(stranger)}
        for answer in (await api.post("/api/leads", json=body), await api.put(f"/api/leads/{org.lead_id}", json=body)):
            details = problem(answer, 400, "invalid_request")
            assert [fault["field"] for fault in details["fields"]] == ["body.owner_id"]
    owned = {"name": "Dana", "owner_id": str(org.user_id)}
    assert data(await api.put(f"/api/leads/{org.lead_id}", json=owned))["owner_id"] == str(org.user_id)


async def test_a_persons_choice_of_zone_goes_before_the_numbers(api: httpx.AsyncClient) -> None:
    sent = {"name": "Eli", "phone": "+12125550142"}
    made = data(await api.post("/api/leads", json=sent), 201)
    assert (made["time_zone"], made["zone"]) == ("", "America/New_York")
    chosen = data(await api.put(f"/api/leads/{made['id']}", json=sent | {"time_zone": "America/Denver"}))
    assert (chosen["time_zone"], chosen["zone"]) == ("America/Denver", "America/Denver")
    # Not sent back, what the number tells becomes nobody's choice.
    assert data(await api.put(f"/api/leads/{made['id']}", json=sent))["time_zone"] == ""


async def test_a_lead_that_was_never_called_is_removed(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    phone = "+12025550177"
    answer = await api.post("/api/leads", json={"name": "Eli", "phone": phone})
    path, read = f"/api/leads/{data(answer, 201)['id']}", {"If-Match": answer.headers["etag"]}
    data(await api.post(f"{path}/notes", json={"text": "two shops"}), 201)
    (task_id,) = [data(await api.post(f"{path}/tasks", json={"title": "Write"}), 201)["id"]]
    word = {"channel": "phone", "source": "letter", "evidence": "of May"}
    data(await api.post(f"{path}/refusals", json=word), 201)
    twin = data(await api.post("/api/leads", json={"name": "Eli"}), 201)["id"]
    kept = data(await api.post(f"{path}/merge", json={"gone_id": twin, "choices": {}}))
    problem(await api.delete(path, headers=read), 412, "version_changed")
    assert (await api.delete(path)).status_code == 204
    problem(await api.get(path), 404, "lead_not_found")
    problem(await api.delete(path), 404, "lead_not_found")
    problem(await api.patch(f"/api/tasks/{task_id}", json={"title": "x"}), 404, "task_not_found")
    problem(await api.post(f"/api/merges/{kept['merge_id']}/undo"), 404, "merge_not_found")
    again = data(await api.post("/api/leads", json={"name": "Eli", "phone": phone}), 201)
    assert again["do_not_call"] is True, "what the number's person refused outlasts the lead"


async def test_a_lead_that_was_called_stays(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings, resources: Resources, node: FakeNode
) -> None:
    rep = await add_member(sessions, org, Role.REP)
    headers = {"Authorization": f"Bearer {token_of(rep, settings)}"}
    problem(await api.delete(f"/api/leads/{org.lead_id}", headers=headers), 403, "forbidden")
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    problem(await api.delete(f"/api/leads/{org.lead_id}"), 409, "lead_has_calls")
    assert data(await api.get(f"/api/leads/{org.lead_id}"))["name"] == "Dana"
