"""Suggestions, merges and undoing through the API, on rows of every kind that a lead has."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.consents.model import Consent
from crm.database import Sessions
from crm.duplicates import jobs
from crm.duplicates.jobs import FORGET, SUGGEST
from crm.duplicates.model import Merge, Suggestion
from crm.duplicates.store import LEFT, MOVED, SETTABLE, DuplicateStore
from crm.leads.model import Lead, Task
from crm.leads.store import LeadStore
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import NUMBER, Org, make_org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.jobs.desk import work_of
from tests.crm.one_of_everything import fill
from tests.crm.test_api import data, problem


async def added(api: httpx.AsyncClient, name: str, **more: Any) -> str:
    return str(data(await api.post("/api/leads", json={"name": name} | more), 201)["id"])


async def merged(api: httpx.AsyncClient, kept: object, gone: object, **choices: str) -> dict[str, Any]:
    body = {"gone_id": str(gone), "choices": choices}
    return dict(data(await api.post(f"/api/leads/{kept}/merge", json=body)))


async def rows_of_lead(sessions: Sessions, org: Org, lead_id: UUID) -> dict[str, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        asked = {table: text(f"SELECT count(*) FROM {table} WHERE lead_id = :id") for table in MOVED}  # noqa: S608 - ours
        return {table: await unit.session.scalar(count, {"id": lead_id}) or 0 for table, count in asked.items()}


async def test_every_table_of_a_leads_rows_is_moved_or_left_for_a_reason(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        found = await connection.scalars(
            text("""SELECT DISTINCT table_name FROM information_schema.columns
                JOIN pg_class ON relname = table_name AND relnamespace = current_schema()::regnamespace
                WHERE table_schema = current_schema() AND column_name = 'lead_id' AND NOT relispartition""")
        )
        assert set(found) == set(MOVED) | LEFT
        columns = await connection.scalars(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = 'leads'")
        )
        assert set(columns) >= SETTABLE


async def test_a_merge_moves_all_and_undoing_moves_it_back(
    api: httpx.AsyncClient, org: Org, resources: Resources, redis: Redis, node: FakeNode
) -> None:
    await fill(org, resources, redis)
    sessions, gone = resources.sessions, org.lead_id
    async with UnitOfWork(sessions, org.id) as unit:
        said = {"channel": "phone", "address": NUMBER, "said": "granted", "said_at": func.now(), "source": "form"}
        unit.session.add(Consent(org_id=org.id, evidence="a form", lead_id=gone, **said))
        await unit.commit()
    before = data(await api.get(f"/api/leads/{gone}"))
    kept = await added(api, "Dana Prado", email="dana@x.com", custom_fields={"city": "Recife"}, notes="new")
    had = await rows_of_lead(sessions, org, gone)
    assert all(had.values()), had
    its_own = {"notes": 1}
    own = data(await api.get(f"/api/leads/{kept}"))

    done = await merged(api, kept, gone, name="gone")
    assert (done["name"], done["email"], done["phone"], done["company"]) == ("Dana", "dana@x.com", NUMBER, "Bakery")
    assert sorted(done["notes"].split("\n")) == sorted([*before["notes"].split("\n"), "new"])
    problem(await api.get(f"/api/leads/{gone}"), 404, "lead_not_found")
    now = await rows_of_lead(sessions, org, UUID(kept))
    more = {table: now[table] - had[table] for table in MOVED if table != "lead_changes"}
    assert more == dict.fromkeys(set(MOVED) - {"lead_changes"}, 0) | its_own
    kinds = {item["kind"] for item in data(await api.get(f"/api/leads/{kept}/timeline"))["items"]}
    assert kinds >= {"call", "task", "change"}
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(Task(org_id=org.id, lead_id=UUID(kept), kind="x", title="added since"))
        await unit.commit()

    undone = data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert (undone["undoable"], undone["undone_by"]) == (False, str(org.user_id))
    after = data(await api.get(f"/api/leads/{gone}"))
    assert {name: value for name, value in after.items() if name != "zone"} == {
        name: value for name, value in before.items() if name != "zone"
    }
    assert await rows_of_lead(sessions, org, gone) == had
    back = data(await api.get(f"/api/leads/{kept}"))
    changed = {"version", "updated_at", "tasks"}
    assert {name: back[name] for name in back.keys() - changed} == {name: own[name] for name in own.keys() - changed}
    assert [task["title"] for task in back["tasks"]] == ["added since"]
    again = await api.post(f"/api/merges/{done['merge_id']}/undo")
    assert problem(again, 409, "merge_not_undoable") == {"reason": "undone_already"}


async def test_do_not_call_of_either_holds_for_both_numbers(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    other = "+12025550188"
    gone = await added(api, "Dana", phone=other, do_not_call=True)
    done = await merged(api, org.lead_id, gone)
    assert (done["do_not_call"], done["status"], done["phone"]) == (True, "do_not_call", NUMBER)
    async with UnitOfWork(sessions, org.id) as unit:
        assert await LeadStore(unit).is_do_not_call(NUMBER)
        assert await LeadStore(unit).is_do_not_call(other), "though no lead has it any more"


async def test_a_refusal_since_the_merge_is_not_undone(api: httpx.AsyncClient, org: Org) -> None:
    gone = await added(api, "Dana", phone="+12025550188", do_not_call=True)
    done = await merged(api, org.lead_id, gone)
    proof = {"channel": "phone", "source": "letter", "evidence": "a letter"}
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=proof), 201)
    data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert data(await api.get(f"/api/leads/{org.lead_id}"))["do_not_call"] is True


async def test_merges_on_merges_are_undone_from_the_last(api: httpx.AsyncClient, org: Org) -> None:
    second, third = await added(api, "B"), await added(api, "C")
    first = await merged(api, second, org.lead_id)
    last = await merged(api, third, second)
    early = await api.post(f"/api/merges/{first['merge_id']}/undo")
    assert problem(early, 409, "merge_not_undoable") == {"reason": "kept_lead_gone"}
    for done in (last, first):
        data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert len(data(await api.get("/api/leads"))) == 3
    assert [made["id"] for made in data(await api.get("/api/merges"))] == [last["merge_id"], first["merge_id"]]


async def test_what_cannot_be_merged(api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings) -> None:
    other = await make_org(sessions)
    path = f"/api/leads/{org.lead_id}/merge"
    problem(await api.post(path, json={"gone_id": str(org.lead_id)}), 400, "invalid_request")
    for foreign in (uuid4(), other.lead_id):
        problem(await api.post(path, json={"gone_id": str(foreign)}), 404, "lead_not_found")
    problem(await api.post(path, json={"gone_id": str(uuid4()), "choices": {"notes": "gone"}}), 400, "invalid_request")
    second = await added(api, "B")
    stale = await api.post(path, json={"gone_id": second}, headers={"If-Match": '"99"'})
    problem(stale, 412, "version_changed")
    done = await merged(api, org.lead_id, second)
    theirs = {"Authorization": f"Bearer {token_of(other, settings)}"}
    problem(await api.post(f"/api/merges/{done['merge_id']}/undo", headers=theirs), 404, "merge_not_found")


async def test_stage_and_pipeline_go_together(api: httpx.AsyncClient, org: Org) -> None:
    made = data(await api.post("/api/pipelines", json={"name": "Partners"}), 201)
    stages = f"/api/pipelines/{made['id']}/stages"
    signed = data(await api.post(stages, json={"name": "Signed"}), 201)
    gone = await added(api, "B", pipeline="partners", status="signed")
    path = f"/api/leads/{org.lead_id}/merge"
    answer = await api.post(path, json={"gone_id": gone, "choices": {"status": "gone"}})
    assert problem(answer, 400, "invalid_request")["fields"][0]["field"] == "body.choices"
    answer = await api.post(path, json={"gone_id": gone, "choices": {"status": "gone", "pipeline": "gone"}})
    done = data(answer)
    assert (done["pipeline"], done["status"]) == ("partners", "signed")
    # The pipeline that the lead was of goes meanwhile, and it comes back where new leads go.
    data(await api.put(f"/api/leads/{org.lead_id}/stage", json={"pipeline": "novos-leads", "status": "novo"}))
    assert (await api.delete(f"{stages}/{signed['id']}")).status_code == 204
    data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    back = data(await api.get(f"/api/leads/{gone}"))
    assert (back["pipeline"], back["status"]) == ("novos-leads", "novo")


async def test_after_its_time_a_merge_is_emptied(
    api: httpx.AsyncClient, org: Org, resources: Resources, redis: Redis
) -> None:
    done = await merged(api, org.lead_id, await added(api, "B"))
    work = work_of(resources.sessions, "", redis)
    await FORGET.run(work, {"org_id": str(org.id), "merge_id": done["merge_id"]})
    async with UnitOfWork(resources.sessions, org.id) as unit:
        kept = (await unit.session.scalars(select(Merge))).one()
        assert (kept.gone, kept.before, kept.moved) == ({}, {}, {})
    late = await api.post(f"/api/merges/{done['merge_id']}/undo")
    assert problem(late, 409, "merge_not_undoable") == {"reason": "too_late"}


async def test_alike_leads_are_suggested_once(
    api: httpx.AsyncClient, org: Org, resources: Resources, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 3)
    work, args = work_of(resources.sessions, "", redis), {"org_id": str(org.id)}
    ana = await added(api, "Ana Souza", phone="+12025550111", company="Padaria Sol")
    for number in range(5):
        await added(api, f"Somebody {number}", email=f"{number}someone@x.com")
    same = await added(api, "Anna Souza", phone="+12025550111")
    near = await added(api, "ana sousa", company="Padaria Sol")
    for _ in range(2):
        assert data(await api.post("/api/duplicates/search"), 202) == {}
        await SUGGEST.run(work, args)
    answer = await api.get("/api/duplicates", params={"limit": 1})
    (first,) = data(answer)
    rest = data(await api.get("/api/duplicates", params={"cursor": answer.json()["pagination"]["next"]}))
    pairs = [{lead["id"] for lead in found["leads"]} for found in [first, *rest]]
    assert {ana, same} in pairs
    assert {ana, near} in pairs
    assert len(pairs) == 2
    assert (first["reasons"], first["leads"][0]["phone"]) == (["name", "phone"], "+12025550111")

    assert (await api.post(f"/api/duplicates/{first['id']}/dismiss")).status_code == 204
    await SUGGEST.run(work, args)
    assert [found["id"] for found in data(await api.get("/api/duplicates"))] == [rest[0]["id"]]
    problem(await api.post(f"/api/duplicates/{uuid4()}/dismiss"), 404, "suggestion_not_found")
    await merged(api, ana, near)
    assert data(await api.get("/api/duplicates")) == [], "what was merged is suggested no more"


async def test_a_lead_that_went_meanwhile_is_not_suggested(org: Org, sessions: Sessions) -> None:
    from crm.duplicates.likeness import Likeness, Reason

    pair = (org.lead_id, uuid4(), Likeness(90, (Reason.PHONE,)))
    async with UnitOfWork(sessions, org.id) as unit:
        await DuplicateStore(unit).suggest([pair])
        assert (await unit.session.scalars(select(Suggestion))).all() == []
        await unit.session.execute(delete(Lead))
