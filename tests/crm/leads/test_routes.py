"""Leads over HTTP: pages by cursor, search, versions, owners."""

from uuid import uuid4

import httpx
import pytest

from crm.database import Sessions
from tests.crm.conftest import Org, make_org
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
