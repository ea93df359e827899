"""Imports over HTTP: what may be uploaded and by whom, the dry run, and what other organisations see."""

import csv
import io
from typing import Any
from uuid import uuid4

import httpx
import obstore
import pytest
from sqlalchemy import select, text

from config.settings import Settings
from crm.imports.model import Import
from crm.imports.usecases import DRY_ROWS
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import NUMBER, make_org, token_of
from tests.crm.imports.desk import ImportDesk, counts
from tests.crm.test_api import data, problem

BODY = f"name,email,phone\nDana,dana@example.com,{NUMBER}\nAna,ana@example.com,\n,x,\n".encode()


def plan(**changes: Any) -> dict[str, Any]:
    return {"mapping": [{"column": name, "to": name} for name in ("name", "email", "phone")]} | changes


async def state_of_tables(desk: ImportDesk) -> list[Any]:
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        asked = "SELECT (SELECT jsonb_agg(t ORDER BY id) FROM {} t)"
        tables = ("leads", "imports", "import_faults", "lead_changes", "consents", "outbox_events")
        return [await unit.session.scalar(text(asked.format(table))) for table in tables]


async def test_a_dry_run_shows_what_would_happen_and_writes_nothing(desk: ImportDesk) -> None:
    body = BODY + b"Other,dana@example.com,+12025550111\n" + b"Same,ana@example.com,\n" + b"More,,\n" * 100
    made = await desk.upload(body)
    before = await state_of_tables(desk)
    answer = await desk.api.post(f"/api/imports/{made['id']}/dry-run", json=plan(when_found="update"))
    rows = data(answer)
    assert len(rows) == DRY_ROWS
    assert [row["outcome"] for row in rows[:6]] == ["updated", "created", "bad", "bad", "updated", "created"]
    assert rows[0]["lead_id"] == str(desk.org.lead_id)
    assert rows[0]["values"] == {"name": "Dana", "email": "dana@example.com", "phone": NUMBER}
    assert [fault["field"] for fault in rows[2]["faults"]] == ["email", "name"]
    assert (rows[3]["row"], rows[3]["faults"][0]["field"]) == (5, "phone")
    assert await state_of_tables(desk) == before
    # What was shown is what happens.
    await desk.start(made, **plan(when_found="update"))
    await desk.read(made["id"])
    shown = await desk.shown(made["id"])
    assert counts(shown) == (105, 101, 2, 0, 2)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + b"\x00" * 100, "spreadsheet"),
        (b"\x1f\x8b\x08\x00" * 30, "compressed"),
        (bytes(range(256)), "no text"),
        (b"x," * 1_000 + b"\nx\n", "too many columns"),
        (b"\n\n\n", "no rows"),
        (b"x" * 100_000, "too long"),
    ],
)
async def test_what_is_no_table_is_refused_and_not_kept(content: bytes, fault: str, desk: ImportDesk) -> None:
    answer = await desk.api.post("/api/imports", params={"file_name": "x.csv"}, content=content)
    assert fault in problem(answer, 422, "file_unreadable")["fault"]
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        assert (await unit.session.scalars(select(Import))).all() == []
    assert obstore.list(desk.work.store, f"imports/{desk.org.id}").collect() == []


@pytest.mark.parametrize("name", ["", "x" * 256, "a\nb"])
async def test_file_names(name: str, desk: ImportDesk) -> None:
    answer = await desk.api.post("/api/imports", params={"file_name": name}, content=b"name\nAna\n")
    assert problem(answer, 400, "invalid_request")["fields"][0]["field"] == "query.file_name"


async def test_a_person_corrects_how_the_file_is_written(desk: ImportDesk) -> None:
    made = await desk.upload("São;b@x.com\nJosé;c@x.com\n".encode())
    assert made["form"]["has_header"] is False
    wrong = await desk.api.put(f"/api/imports/{made['id']}/form", json={"encoding": "cp1252", "has_header": True})
    assert [column["name"] for column in data(wrong)["columns"]] == ["SÃ£o", "b@x.com"]
    back = data(await desk.api.put(f"/api/imports/{made['id']}/form", json={"encoding": "utf-8", "has_header": False}))
    assert back["form"] == made["form"]
    assert [column["sample"] for column in back["columns"]] == ["São", "b@x.com"]
    refused = await desk.api.put(f"/api/imports/{made['id']}/form", json={"encoding": "utf-16-le"})
    assert problem(refused, 422, "file_unreadable")["code"] == "wrong_encoding"
    problem(await desk.api.put(f"/api/imports/{made['id']}/form", json={"delimiter": "x"}), 400, "invalid_request")


async def test_a_plan_that_does_not_fit_is_refused_by_name(desk: ImportDesk) -> None:
    made = await desk.upload(BODY)
    for path in ("dry-run", "start"):
        bad = {"mapping": [{"column": "Name", "to": "name"}]}
        answer = await desk.api.post(f"/api/imports/{made['id']}/{path}", json=bad)
        assert problem(answer, 400, "invalid_request")["fields"][0]["field"] == "body.mapping"
    data(await desk.api.post(f"/api/imports/{made['id']}/start", json=plan()), 202)
    again = await desk.api.post(f"/api/imports/{made['id']}/start", json=plan())
    assert problem(again, 409, "import_not_ready") == {"state": "running", "needs": "uploaded"}
    problem(await desk.api.post(f"/api/imports/{made['id']}/dry-run", json=plan()), 409, "import_not_ready")


async def test_bad_rows_are_paged_and_downloaded_whole(desk: ImportDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.imports.routes.FAULTS_AT_ONCE", 3)
    shown = await desk.whole(b"name,email\n" + b",x\n" * 7)
    first = data(await desk.api.get(f"/api/imports/{shown['id']}/bad-rows", params={"limit": 5}))
    rest = data(
        await desk.api.get(f"/api/imports/{shown['id']}/bad-rows", params={"limit": 5, "after": first[-1]["row"]})
    )
    assert [bad["row"] for bad in first + rest] == list(range(2, 9))
    answer = await desk.api.get(f"/api/imports/{shown['id']}/bad-rows.csv")
    assert len(list(csv.reader(io.StringIO(answer.text)))) == 8


async def test_lists_are_newest_first(desk: ImportDesk) -> None:
    made = [(await desk.upload(BODY))["id"] for _ in range(3)]
    first = data(await desk.api.get("/api/imports", params={"limit": 2}))
    rest = data(await desk.api.get("/api/imports", params={"limit": 2, "before": first[-1]["id"]}))
    assert [held["id"] for held in first + rest] == made[::-1]


async def test_others_see_and_do_nothing(desk: ImportDesk, settings: Settings) -> None:
    made = await desk.upload(BODY)
    other = await make_org(desk.work.sessions)
    theirs = {"Authorization": f"Bearer {token_of(other, settings)}"}
    routes = [
        *(("GET", path) for path in ("", "/bad-rows", "/bad-rows.csv")),
        *(("POST", path) for path in ("/dry-run", "/start", "/cancel")),
        ("PUT", "/form"),
    ]
    for method, path in routes:
        body = {} if path == "/form" else plan()
        answer = await desk.api.request(method, f"/api/imports/{made['id']}{path}", headers=theirs, json=body)
        problem(answer, 404, "import_not_found")
    assert data(await desk.api.get("/api/imports", headers=theirs)) == []
    problem(await desk.api.get(f"/api/imports/{uuid4()}"), 404, "import_not_found")


async def test_it_takes_the_permission(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/imports"), 401, "not_signed_in")
