"""Pipelines, stages and boards over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.settings import Settings
from crm.database import Sessions
from crm.leads.usecases import LeadFields, add_lead
from crm.permissions import Role
from crm.pipelines import usecases
from crm.pipelines.store import PipelineStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.test_api import data, problem

USUAL = ["novo", "retry_later", "callback_scheduled", "meeting_booked", "won", "not_interested", "do_not_call"]


async def _all(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list(data(await api.get("/api/pipelines")))


async def _made(api: httpx.AsyncClient, name: str, **more: str) -> dict[str, Any]:
    return dict(data(await api.post("/api/pipelines", json={"name": name, **more}), 201))


def _slugs(pipeline: dict[str, Any]) -> list[str]:
    return [stage["slug"] for stage in pipeline["stages"]]


def _faults(answer: httpx.Response) -> list[str]:
    return [fault["field"] for fault in problem(answer, 400, "invalid_request")["fields"]]


async def test_an_organisation_begins_with_one_pipeline(api: httpx.AsyncClient) -> None:
    (first,) = await _all(api)
    assert (first["slug"], first["is_default"], first["position"]) == ("novos-leads", True, 0)
    assert _slugs(first) == USUAL
    assert [stage["kind"] for stage in first["stages"]] == ["open"] * 4 + ["won", "lost", "lost"]


async def test_pipelines_are_made_ordered_and_removed(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    second = await _made(api, " Parcerias São Paulo ")
    assert (second["name"], second["slug"], second["position"]) == ("Parcerias São Paulo", "parcerias-sao-paulo", 1)
    assert _slugs(second) == USUAL
    third = await _made(api, "?!", slug="third")
    assert _faults(await api.post("/api/pipelines", json={"name": "?!"})) == ["body.slug"]
    taken = problem(await api.post("/api/pipelines", json={"name": "Third"}), 409, "pipeline_exists")
    assert taken == {"pipeline_id": third["id"]}
    data(await api.put(f"/api/pipelines/{third['id']}", json={"name": "Third", "position": 0}))
    assert [one["slug"] for one in await _all(api)] == ["third", "novos-leads", "parcerias-sao-paulo"]
    data(await api.put(f"/api/pipelines/{third['id']}", json={"name": "Third", "position": 19}))
    assert [(one["slug"], one["position"]) for one in await _all(api)] == [
        ("novos-leads", 0),
        ("parcerias-sao-paulo", 1),
        ("third", 2),
    ]
    monkeypatch.setattr(usecases, "PIPELINES_MAX", 3)
    problem(await api.post("/api/pipelines", json={"name": "fourth"}), 409, "too_many_pipelines")
    assert (await api.delete(f"/api/pipelines/{third['id']}")).status_code == 204
    problem(await api.delete(f"/api/pipelines/{third['id']}"), 404, "pipeline_not_found")


async def test_leads_that_name_no_pipeline_go_into_the_default_one(api: httpx.AsyncClient) -> None:
    (first,) = await _all(api)
    second = await _made(api, "Partners")
    path = f"/api/pipelines/{second['id']}"
    problem(await api.delete(f"/api/pipelines/{first['id']}"), 409, "pipeline_is_default")
    assert data(await api.put(path, json={"name": "Partners", "is_default": True}))["is_default"] is True
    assert [one["is_default"] for one in await _all(api)] == [False, True]
    assert _faults(await api.put(path, json={"name": "Partners"})) == ["body.is_default"]
    made = data(await api.post("/api/leads", json={"name": "Eli"}), 201)
    assert (made["pipeline"], made["status"]) == ("partners", "novo")
    problem(await api.delete(f"/api/pipelines/{first['id']}"), 409, "pipeline_has_leads")


async def test_a_lead_is_in_a_stage_of_its_pipeline(api: httpx.AsyncClient, org: Org) -> None:
    partners = await _made(api, "Partners")
    stages = f"/api/pipelines/{partners['id']}/stages"
    signed = data(await api.post(stages, json={"name": "Signed", "kind": "won"}), 201)
    assert (signed["slug"], signed["kind"], signed["position"]) == ("signed", "won", 7)
    sent = {"name": "Eli", "pipeline": "partners", "status": "signed"}
    made = data(await api.post("/api/leads", json=sent), 201)
    for body, field in (
        ({"name": "x", "status": "signed"}, "body.status"),
        ({"name": "x", "pipeline": "other"}, "body.pipeline"),
        ({"name": "x", "pipeline": "partners", "status": "gone"}, "body.status"),
    ):
        for answer in (await api.post("/api/leads", json=body), await api.put(f"/api/leads/{made['id']}", json=body)):
            (fault,) = problem(answer, 400, "invalid_request")["fields"]
            assert fault["field"] == field
            assert "novo" in fault["fault"], "what may stand there is told"
    assert data(await api.get(f"/api/leads/{made['id']}"))["version"] == 1


async def test_moving_a_lead_is_a_change_in_its_timeline(api: httpx.AsyncClient, org: Org) -> None:
    partners, path = await _made(api, "Partners"), f"/api/leads/{org.lead_id}"
    moved = await api.put(f"{path}/stage", json={"status": "won"}, headers={"If-Match": '"1"'})
    assert (data(moved)["status"], moved.headers["etag"]) == ("won", '"2"')
    data(await api.put(f"{path}/stage", json={"pipeline": partners["slug"], "status": "novo"}))
    problem(await api.put(f"{path}/stage", json={"status": "won"}, headers={"If-Match": '"1"'}), 412, "version_changed")
    items = data(await api.get(f"{path}/timeline", params={"kind": "change"}))["items"]
    assert [item["details"]["changes"] for item in items] == [
        {"status": ["won", "novo"], "pipeline": ["novos-leads", "partners"]},
        {"status": ["novo", "won"]},
    ]
    assert _faults(await api.put(f"{path}/stage", json={"status": "gone"})) == ["body.status"]
    assert _faults(await api.put(f"{path}/stage", json={"status": "do_not_call"})) == ["body.status"]
    problem(await api.put(f"/api/leads/{uuid4()}/stage", json={"status": "won"}), 404, "lead_not_found")
    data(await api.put(path, json={"name": "Dana", "do_not_call": True}))
    problem(await api.put(f"{path}/stage", json={"status": "won"}), 409, "do_not_call")


async def test_a_stage_goes_when_its_leads_have_another_one(
    api: httpx.AsyncClient, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = await _all(api)
    path = f"/api/pipelines/{first['id']}/stages"
    by_slug = {stage["slug"]: stage["id"] for stage in first["stages"]}
    for number in range(5):
        data(await api.post("/api/leads", json={"name": f"lead {number}", "status": "won"}), 201)
    problem(await api.delete(f"{path}/{by_slug['novo']}"), 409, "stage_kept")
    problem(await api.delete(f"{path}/{by_slug['won']}"), 409, "stage_has_leads")
    for wrong in (by_slug["won"], str(uuid4())):
        answer = await api.delete(f"{path}/{by_slug['won']}", params={"move_to": wrong})
        assert _faults(answer) == ["query.move_to"]
    # In several transactions, the last of which removes it.
    monkeypatch.setattr(usecases, "MOVED_AT_ONCE", 2)
    answer = await api.delete(f"{path}/{by_slug['won']}", params={"move_to": by_slug["not_interested"]})
    assert answer.status_code == 204
    moved = data(await api.get("/api/leads", params={"status": "not_interested"}))
    assert len(moved) == 5
    items = data(await api.get(f"/api/leads/{moved[0]['id']}/timeline"))["items"]
    assert items[0]["details"]["changes"] == {"status": ["won", "not_interested"]}
    problem(await api.delete(f"{path}/{by_slug['won']}"), 404, "stage_not_found")
    assert "won" not in _slugs((await _all(api))[0])


async def test_stages_are_named_ordered_and_bounded(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = await _all(api)
    path = f"/api/pipelines/{first['id']}/stages"
    stage = {"name": "Cold", "kind": "lost", "position": 1}
    changed = data(await api.put(f"{path}/{first['stages'][0]['id']}", json=stage))
    assert (changed["name"], changed["slug"], changed["kind"]) == ("Cold", "novo", "lost")
    assert _slugs((await _all(api))[0])[:2] == ["retry_later", "novo"]
    problem(await api.post(path, json={"name": "x", "slug": "won"}), 409, "stage_exists")
    monkeypatch.setattr(usecases, "STAGES_MAX", 7)
    problem(await api.post(path, json={"name": "x"}), 409, "too_many_stages")
    other = await _made(api, "Other")
    wrong = f"/api/pipelines/{other['id']}/stages/{first['stages'][0]['id']}"
    problem(await api.put(wrong, json=stage), 404, "stage_not_found")


async def test_a_lead_that_is_being_written_keeps_its_stage(
    org: Org, sessions: Sessions, api: httpx.AsyncClient
) -> None:
    (first,) = await _all(api)
    (won,) = [stage["id"] for stage in first["stages"] if stage["slug"] == "won"]
    path = f"/api/pipelines/{first['id']}/stages/{won}"
    async with asyncio.TaskGroup() as tasks, UnitOfWork(sessions, org.id) as writing:
        assert await PipelineStore(writing).hold(None, "won") is not None
        removing = tasks.create_task(api.delete(path))
        lead = await add_lead(LeadFields("Eli", status="won"), writing.part())
        done, _ = await asyncio.wait([removing], timeout=0.3)
        assert not done
        await writing.commit()
    problem(removing.result(), 409, "stage_has_leads")
    assert lead.status == "won"
    with pytest.raises(Refusal):
        await add_lead(LeadFields("Eli", status="gone"), UnitOfWork(sessions, org.id))


async def test_a_board_counts_and_shows_the_newest(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = await _all(api)
    for number in range(4):
        body = {"name": f"lead {number}", "status": "won", "owner_id": str(org.user_id) if number else None}
        data(await api.post("/api/leads", json=body), 201)
    path = f"/api/pipelines/{first['id']}/board"
    board = data(await api.get(path, params={"limit": 2}))
    assert board["slug"] == "novos-leads"
    columns = {stage["slug"]: stage for stage in board["stages"]}
    assert list(columns) == USUAL
    assert [(columns[slug]["count"], columns[slug]["more"]) for slug in ("novo", "won")] == [(1, False), (4, False)]
    assert [lead["name"] for lead in columns["won"]["leads"]] == ["lead 3", "lead 2"]
    # What follows in a column is the list's.
    query = {"pipeline": "novos-leads", "status": "won", "cursor": columns["won"]["next"]}
    assert [lead["name"] for lead in data(await api.get("/api/leads", params=query))] == ["lead 1", "lead 0"]
    mine = data(await api.get(path, params={"owner_id": str(org.user_id)}))
    assert [stage["count"] for stage in mine["stages"]] == [0, 0, 0, 0, 3, 0, 0]
    assert data(await api.get(path, params={"tag_id": str(uuid4())}))["stages"][4]["leads"] == []
    monkeypatch.setattr(usecases, "COUNTED_MAX", 3)
    counted = data(await api.get(path))["stages"][4]
    assert (counted["count"], counted["more"]) == (3, True)
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        foreign = (await PipelineStore(unit).all())[0].id
    problem(await api.get(f"/api/pipelines/{foreign}/board"), 404, "pipeline_not_found")


async def test_who_may_change_them(api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings) -> None:
    (first,) = await _all(api)
    for role, status in ((Role.REP, 403), (Role.MANAGER, 201)):
        token = token_of(await add_member(sessions, org, role), settings)
        headers = {"Authorization": f"Bearer {token}"}
        answer = await api.post("/api/pipelines", json={"name": role.value}, headers=headers)
        assert answer.status_code == status
        moved = await api.put(f"/api/leads/{org.lead_id}/stage", json={"status": "won"}, headers=headers)
        assert data(moved)["status"] == "won"
        assert data(await api.get(f"/api/pipelines/{first['id']}/board", headers=headers))["id"] == first["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "body.name"),
        ({"name": "a\x00"}, "body.name"),
        ({"name": "x", "slug": "a b"}, "body.slug"),
        ({"name": "x", "slug": "-"}, "body.slug"),
        ({"name": "x" * 61}, "body.name"),
    ],
)
async def test_what_is_no_pipeline(api: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    assert _faults(await api.post("/api/pipelines", json=body)) == [field]
