"""Tags over HTTP: made, put on leads, filtered by, merged, removed, and nobody else's."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.database import Sessions
from crm.leads.usecases import list_leads
from crm.permissions import Role
from crm.tags import usecases
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.test_api import data, problem


async def _tag(api: httpx.AsyncClient, name: str) -> str:
    return str(data(await api.post("/api/tags", json={"name": name}), 201)["id"])


async def _names(api: httpx.AsyncClient, lead_id: object) -> list[str]:
    return [tag["name"] for tag in data(await api.get(f"/api/leads/{lead_id}/tags"))]


async def test_leads_carry_tags_and_are_found_by_them(api: httpx.AsyncClient, org: Org) -> None:
    made = data(await api.post("/api/tags", json={"name": " Hot ", "color": "#FF0000"}), 201)
    assert (made["name"], made["color"]) == ("Hot", "#ff0000")
    hot, cold = made["id"], await _tag(api, "cold")
    path = f"/api/leads/{org.lead_id}/tags"
    put = data(await api.put(path, json={"tag_ids": [hot, cold, hot]}))
    assert [tag["name"] for tag in put] == ["cold", "Hot"] == await _names(api, org.lead_id)
    other = data(await api.post("/api/leads", json={"name": "Eli"}), 201)
    for query in ({"tag_id": hot}, {"tag_id": hot, "cursor": ""}, {"tag_id": hot, "score_min": 0}):
        assert [lead["id"] for lead in data(await api.get("/api/leads", params=query))] == [str(org.lead_id)]
    assert data(await api.get("/api/leads", params={"tag_id": str(uuid4())})) == []
    problem(await api.get("/api/leads", params={"tag_id": hot, "q": "dana"}), 400, "invalid_request")
    data(await api.put(path, json={"tag_ids": [cold]}))
    data(await api.put(f"/api/leads/{other['id']}/tags", json={"tag_ids": []}))
    assert await _names(api, org.lead_id) == ["cold"]
    assert (await api.delete(f"/api/tags/{cold}")).status_code == 204
    assert await _names(api, org.lead_id) == []
    problem(await api.delete(f"/api/tags/{cold}"), 404, "tag_not_found")


async def test_merged_tags_are_carried_once(api: httpx.AsyncClient, org: Org) -> None:
    one, other = await _tag(api, "follow up"), await _tag(api, "Follow-up")
    (pair,) = data(await api.get("/api/tags/similar"))
    assert {tag["id"] for tag in pair} == {one, other}
    both = org.lead_id
    first = data(await api.post("/api/leads", json={"name": "Eli"}), 201)["id"]
    data(await api.put(f"/api/leads/{both}/tags", json={"tag_ids": [one, other]}))
    data(await api.put(f"/api/leads/{first}/tags", json={"tag_ids": [one]}))
    assert data(await api.post(f"/api/tags/{one}/merge", json={"into_id": other}))["name"] == "Follow-up"
    assert await _names(api, both) == await _names(api, first) == ["Follow-up"]
    assert [tag["id"] for tag in data(await api.get("/api/tags"))] == [other]
    details = problem(await api.post(f"/api/tags/{other}/merge", json={"into_id": other}), 400, "invalid_request")
    assert details["fields"][0]["field"] == "body.into_id"
    problem(await api.post(f"/api/tags/{other}/merge", json={"into_id": one}), 404, "tag_not_found")


async def test_names_are_one_organisations_and_bounded(
    api: httpx.AsyncClient, sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    vip = await _tag(api, "VIP")
    assert problem(await api.post("/api/tags", json={"name": "vip"}), 409, "tag_exists") == {"tag_id": vip}
    renamed = data(await api.put(f"/api/tags/{vip}", json={"name": "Vip", "color": "#000000"}))
    assert (renamed["id"], renamed["name"]) == (vip, "Vip")
    new = await _tag(api, "new")
    problem(await api.put(f"/api/tags/{new}", json={"name": "VIP"}), 409, "tag_exists")
    monkeypatch.setattr(usecases, "TAGS_MAX", 2)
    assert problem(await api.post("/api/tags", json={"name": "third"}), 409, "too_many_tags") == {"max": 2}
    other = await make_org(sessions)
    problem(await api.get(f"/api/leads/{other.lead_id}/tags"), 404, "lead_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "body.name"),
        ({"name": "a\x00"}, "body.name"),
        ({"name": "a\nb"}, "body.name"),
        ({"name": "x" * 61}, "body.name"),
        ({"name": "x", "color": "red"}, "body.color"),
    ],
)
async def test_what_is_no_tag(api: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    details = problem(await api.post("/api/tags", json=body), 400, "invalid_request")
    assert details["fields"][0]["field"] == field


async def test_a_lead_carries_the_organisations_tags_only(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, app: FastAPI, settings: Settings
) -> None:
    other = await make_org(sessions)
    path = f"/api/leads/{org.lead_id}/tags"
    headers = {"Authorization": f"Bearer {token_of(other, settings)}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers
    ) as theirs:
        foreign = await _tag(theirs, "VIP")
    for tag_id in (foreign, str(uuid4())):
        details = problem(await api.put(path, json={"tag_ids": [tag_id]}), 400, "invalid_request")
        assert details["fields"][0]["field"] == "body.tag_ids"
    rep = await add_member(sessions, org, Role.REP)
    headers = {"Authorization": f"Bearer {token_of(rep, settings)}"}
    mine = await _tag(api, "VIP")
    problem(await api.post("/api/tags", json={"name": "x"}, headers=headers), 403, "forbidden")
    assert len(data(await api.put(path, json={"tag_ids": [mine]}, headers=headers))) == 1


async def test_merged_leads_carry_the_tags_of_both_once(api: httpx.AsyncClient, org: Org) -> None:
    shared, own = await _tag(api, "shared"), await _tag(api, "own")
    kept = data(await api.post("/api/leads", json={"name": "Eli"}), 201)["id"]
    data(await api.put(f"/api/leads/{kept}/tags", json={"tag_ids": [shared]}))
    data(await api.put(f"/api/leads/{org.lead_id}/tags", json={"tag_ids": [shared, own]}))
    data(await api.post(f"/api/leads/{kept}/merge", json={"gone_id": str(org.lead_id), "choices": {}}))
    assert await _names(api, kept) == ["own", "shared"]


async def test_leads_tell_their_tags_wherever_they_are_shown(
    api: httpx.AsyncClient, org: Org, engine: AsyncEngine, sessions: Sessions
) -> None:
    hot, cold = await _tag(api, "hot"), await _tag(api, "cold")
    path = f"/api/leads/{org.lead_id}"
    for number in range(3):
        made = data(await api.post("/api/leads", json={"name": f"lead {number}"}), 201)
        assert made["tags"] == []
        data(await api.put(f"/api/leads/{made['id']}/tags", json={"tag_ids": [hot]}))
    data(await api.put(f"{path}/tags", json={"tag_ids": [hot, cold]}))
    for answer in (await api.get(path), await api.put(path, json={"name": "Dana"})):
        assert [tag["name"] for tag in data(answer)["tags"]] == ["cold", "hot"]
    (first,) = data(await api.get("/api/pipelines"))
    board = data(await api.get(f"/api/pipelines/{first['id']}/board"))
    listed = data(await api.get("/api/leads")), data(await api.get("/api/leads?cursor=")), board["stages"][0]["leads"]
    for leads in listed:
        assert [[tag["name"] for tag in lead["tags"]] for lead in leads] == [["hot"]] * 3 + [["cold", "hot"]]

    asked: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    await list_leads(UnitOfWork(sessions, org.id))
    assert len([statement for statement in asked if "lead_tags" in statement]) == 1, "however many leads there are"


async def test_the_timeline_tells_which_tags_went_and_came(api: httpx.AsyncClient, org: Org) -> None:
    hot, cold, old = await _tag(api, "hot"), await _tag(api, "cold"), await _tag(api, "old")
    path = f"/api/leads/{org.lead_id}"
    for tag_ids in ([hot, old], [cold, old], [cold, old]):
        data(await api.put(f"{path}/tags", json={"tag_ids": tag_ids}))
    data(await api.post(f"/api/tags/{cold}/merge", json={"into_id": hot}))
    assert (await api.delete(f"/api/tags/{old}")).status_code == 204
    items = data(await api.get(f"{path}/timeline"))["items"]
    assert [item["details"]["changes"]["tags"] for item in items] == [
        [["old"], []],
        [["cold"], ["hot"]],
        [["hot"], ["cold"]],
        [[], ["hot", "old"]],
    ]
