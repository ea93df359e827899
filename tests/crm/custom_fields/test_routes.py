"""Custom fields over HTTP: defined, held against leads, searched by, imported, exported."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.settings import Settings
from crm.custom_fields import usecases
from crm.database import Sessions
from crm.permissions import Role
from tests.crm.conftest import Org, add_member, token_of
from tests.crm.test_api import data, problem


async def define(api: httpx.AsyncClient, key: str, kind: str, **more: Any) -> dict[str, Any]:
    return dict(data(await api.post("/api/custom-fields", json={"key": key, "type": kind, **more}), 201))


def faults(answer: httpx.Response) -> list[str]:
    return [fault["field"] for fault in problem(answer, 400, "invalid_request")["fields"]]


async def test_fields_are_defined_changed_ordered_and_removed(
    api: httpx.AsyncClient, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    seats = await define(api, " seats ", "number", label="How many seats")
    assert (seats["key"], seats["label"], seats["options"], seats["position"]) == ("seats", "How many seats", [], 0)
    size = await define(api, "size", "choice", options=["Small", "Large"])
    exists = await api.post("/api/custom-fields", json={"key": "seats", "type": "text"})
    assert problem(exists, 409, "custom_field_exists") == {"field_id": seats["id"]}
    changed = {"label": "Size of the shop", "options": ["Small"], "required": True, "position": 0}
    put = data(await api.put(f"/api/custom-fields/{size['id']}", json=changed))
    assert {name: put[name] for name in changed} == changed
    assert [field["key"] for field in data(await api.get("/api/custom-fields"))] == ["size", "seats"]
    for body, field in (
        ({"key": "x", "type": "choice"}, "body.options"),
        ({"key": "x", "type": "choice", "options": ["a", "A"]}, "body.options"),
        ({"key": "x", "type": "text", "options": ["a"]}, "body.options"),
        ({"key": "a=b", "type": "text"}, "body.key"),
        ({"key": "x", "type": "money"}, "body.type"),
    ):
        assert faults(await api.post("/api/custom-fields", json=body)) == [field]
    monkeypatch.setattr(usecases, "DEFINED_MAX", 2)
    problem(await api.post("/api/custom-fields", json={"key": "x", "type": "text"}), 409, "too_many_custom_fields")
    assert (await api.delete(f"/api/custom-fields/{size['id']}")).status_code == 204
    problem(await api.put(f"/api/custom-fields/{size['id']}", json=changed), 404, "custom_field_not_found")
    problem(await api.delete(f"/api/custom-fields/{uuid4()}"), 404, "custom_field_not_found")


async def test_leads_are_held_against_them(api: httpx.AsyncClient, org: Org) -> None:
    untyped = {"seats": "about twelve", "other": [1]}
    path = f"/api/leads/{org.lead_id}"
    data(await api.put(path, json={"name": "Dana", "custom_fields": untyped}))
    await define(api, "seats", "number")
    await define(api, "size", "choice", options=["Small", "Large"], required=True)
    sent = {"name": "Eli", "custom_fields": {"seats": "twelve"}}
    assert faults(await api.post("/api/leads", json=sent)) == ["body.custom_fields.seats", "body.custom_fields.size"]
    sent["custom_fields"] = {"seats": 12.0, "size": "large", "free": "as ever"}
    made = data(await api.post("/api/leads", json=sent), 201)
    assert made["custom_fields"] == {"seats": 12, "size": "Large", "free": "as ever"}
    # What was there before survives, and may be sent back as it was read.
    assert data(await api.put(path, json={"name": "Dana", "custom_fields": untyped}))["custom_fields"] == untyped
    wrong = {"name": "Dana", "custom_fields": untyped | {"seats": "thirteen"}}
    assert faults(await api.put(path, json=wrong)) == ["body.custom_fields.seats"]
    gone = {"name": "Eli", "custom_fields": {"seats": 3}}
    assert faults(await api.put(f"/api/leads/{made['id']}", json=gone)) == ["body.custom_fields.size"]


async def test_lists_are_filtered_by_them(api: httpx.AsyncClient) -> None:
    await define(api, "seats", "number")
    await define(api, "vip", "boolean")
    sent = {"name": "Eli", "custom_fields": {"seats": 12.5, "vip": True}}
    made = data(await api.post("/api/leads", json=sent), 201)
    for asked in ("seats=12.50", "seats=12,5", "vip=yes"):
        assert [lead["id"] for lead in data(await api.get("/api/leads", params={"field": asked}))] == [made["id"]]
    assert data(await api.get("/api/leads", params={"field": "vip=no"})) == []
    assert faults(await api.get("/api/leads", params={"field": "seats=many"})) == ["query.field"]


async def test_who_may_define_them(api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings) -> None:
    for role, status in ((Role.REP, 403), (Role.MANAGER, 201)):
        token = token_of(await add_member(sessions, org, role), settings)
        headers = {"Authorization": f"Bearer {token}"}
        body = {"key": role.value, "type": "text"}
        assert (await api.post("/api/custom-fields", json=body, headers=headers)).status_code == status
        assert (await api.get("/api/custom-fields", headers=headers)).status_code == 200
