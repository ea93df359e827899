"""Files read by the job on a real Postgres: what is created, met, set aside, stopped and gone on with."""

import asyncio
import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, S3Store
from sqlalchemy import select, text, update

from crm.consents.model import Consent
from crm.database import utc_now
from crm.imports import batches, jobs
from crm.imports.csv_rows import Place
from crm.imports.files import key_of
from crm.imports.jobs import FORGET, KEPT, READ
from crm.imports.model import Import, ImportFault
from crm.jobs.running import do_what_waits
from crm.leads.store import LeadStore
from crm.mail.model import PostedLetter
from crm.notes.model import Note
from crm.outbox.model import OutboxEvent
from crm.timeline.model import LeadChange
from crm.unit_of_work import UnitOfWork
from tests.crm.call_story import rows
from tests.crm.conftest import NUMBER
from tests.crm.imports.desk import ImportDesk, counts, rows_of
from tests.crm.jobs.dying import fail_for_good, no_jobs
from tests.crm.test_api import data, problem

NO_RETRY: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
KEYS: Any = {"access_key_id": "x", "secret_access_key": "x", "region": "x"}
PEOPLE = (
    "Nome;E-mail;Telefone;Empresa;Pontuação;Cidade\n"
    'Ana Souza;ANA@Exemplo.com;(11) 98888-1111;"Café ""Bom"" Ltda";40;São Paulo\n'
    "Bruno Lima;;+1 202 555 0199;;;Recife\n"
).encode()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches.batches, "__defaults__", (3,))


async def test_a_file_becomes_leads(desk: ImportDesk) -> None:
    made = await desk.upload(PEOPLE)
    assert [column["guess"] for column in made["columns"]] == [
        *("name", "email", "phone", "company", "score", "custom_fields.Cidade")
    ]
    assert made["form"] == {"encoding": "utf-8", "delimiter": ";", "has_header": True}
    started = await desk.start(made, region="br", defaults={"source": "fair"})
    assert (started["state"], started["percent"]) == ("running", 0)
    async with UnitOfWork(desk.work.sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name <> 'imports.read'"))
        await unit.commit()
    await do_what_waits(desk.work)
    shown = await desk.shown(made["id"])
    assert (shown["state"], shown["percent"], shown["fault"]) == ("finished", 100, None)
    assert counts(shown) == (2, 2, 0, 0, 0)
    _, ana, bruno = await desk.leads()
    assert (ana.name, ana.email, ana.phone) == ("Ana Souza", "ana@exemplo.com", "+5511988881111")
    assert (ana.company, ana.score, ana.custom_fields) == ('Café "Bom" Ltda', 40, {"Cidade": "São Paulo"})
    assert (ana.source, ana.status, ana.pipeline, ana.zone) == ("fair", "novo", "novos-leads", "America/Sao_Paulo")
    assert (bruno.email, bruno.phone, bruno.company, bruno.score) == (None, "+12025550199", "", 0)
    with pytest.raises(FileNotFoundError):
        obstore.head(desk.work.store, key_of(desk.org.id, UUID(made["id"])))
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        searched = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'duplicates.suggest'")
        assert await unit.session.scalar(searched) == 1
        event = (await unit.session.scalars(select(OutboxEvent).where(OutboxEvent.kind == "import.finished"))).one()
    assert (event.body["created"], event.body["bad"]) == (2, 0)


async def test_bad_rows_are_set_aside_with_their_reasons(desk: ImportDesk) -> None:
    body = (
        b"name,email,phone,score,dnc\n"
        b"Good,good@example.com,+12025550143,1,\n"
        b",x@example.com,,,\n"
        b"Wrong,not mail,12345,101,perhaps\n"
        b'"two\nlines",l@example.com,,,,,,extra\n'
        b'Open,"quote"s,,,\n'
        b"Last,last@example.com,,,\n"
    )
    shown = await desk.whole(body)
    assert counts(shown) == (6, 2, 0, 0, 4)
    assert [lead.name for lead in await desk.leads()] == ["Dana", "Good", "Last"]
    nameless, wrong, extra, quote = await desk.bad(shown["id"])
    assert (nameless["row"], nameless["line"], nameless["faults"]) == (3, 3, [{"field": "name", "fault": "is empty"}])
    assert [fault["field"] for fault in wrong["faults"]] == ["email", "phone", "score", "do_not_call"]
    assert wrong["cells"] == ["Wrong", "not mail", "12345", "101", "perhaps"]
    assert (extra["row"], extra["line"]) == (5, 5)
    assert "columns" in extra["faults"][0]["fault"]
    assert (quote["row"], quote["line"], quote["cells"]) == (6, 7, [])
    assert "closing quote" in quote["faults"][0]["fault"]


async def test_what_was_set_aside_is_downloaded_and_goes_in_when_mended(desk: ImportDesk) -> None:
    """Also: cells that a spreadsheet would run are written so that it does not, and read back as they were."""
    body = b'name,email,notes\n=HYPERLINK(1),bad,"@SUM(1)"\n'
    shown = await desk.whole(body)
    assert counts(shown) == (1, 0, 0, 0, 1)
    answer = await desk.api.get(f"/api/imports/{shown['id']}/bad-rows.csv")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''bad%20rows%20of%20leads.csv"
    header, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header == ["name", "email", "notes", "row", "reason"]
    assert row[:3] == ["'=HYPERLINK(1)", "bad", "'@SUM(1)"]
    assert row[4].startswith("email must be a mail address")
    mended = answer.content.replace(b",bad,", b",good@example.com,")
    plan = {"mapping": [{"column": name, "to": name} for name in ("name", "email", "notes")]}
    assert counts(await desk.whole(mended, **plan)) == (1, 1, 0, 0, 0)
    lead = (await desk.leads())[-1]
    assert (lead.name, lead.notes) == ("=HYPERLINK(1)", "@SUM(1)")


@pytest.mark.parametrize(
    ("when_found", "found"), [("skip", (2, 1, 0, 1, 0)), ("update", (2, 1, 1, 0, 0)), ("create", (2, 2, 0, 0, 0))]
)
async def test_whoever_is_there_already(when_found: str, found: tuple[int, ...], desk: ImportDesk) -> None:
    body = (
        f"name,phone,email,company,city\nDana Prado,{NUMBER},DANA@example.com,,Recife\nNew,+12025550150,,,\n".encode()
    )
    shown = await desk.whole(body, when_found=when_found)
    assert counts(shown) == found
    dana = (await desk.leads())[0]
    if when_found == "update":
        # What the row does not say stays, and what was missing is filled in.
        assert (dana.name, dana.email, dana.company) == ("Dana Prado", "dana@example.com", "Bakery")
        assert (dana.custom_fields, dana.version) == ({"city": "Recife"}, 2)
    else:
        assert (dana.name, dana.email, dana.version) == ("Dana", None, 1)


async def test_rows_of_one_file_meet_one_another(desk: ImportDesk) -> None:
    body = "name,email,company\n" + "".join(f"A {n},same@example.com,{'C' * (n == 3)}\n" for n in range(1, 30))
    shown = await desk.whole(body.encode(), when_found="update")
    assert counts(shown) == (29, 1, 28, 0, 0)
    _, lead = await desk.leads()
    assert (lead.name, lead.company) == ("A 29", "C")


async def test_two_rows_that_meet_one_lead_by_different_keys_come_one_after_the_other(desk: ImportDesk) -> None:
    await desk.whole(f"name,email,phone\nD,d@example.com,{NUMBER}\n".encode(), when_found="update")
    body = f"name,email,phone,company,notes\nD1,d@example.com,,One,\nD2,,{NUMBER},,two\n".encode()
    shown = await desk.whole(body, when_found="update")
    assert counts(shown) == (2, 0, 2, 0, 0)
    (lead,) = await desk.leads()
    assert (lead.name, lead.company, lead.notes) == ("D2", "One", "two")


async def test_values_that_contradict_are_for_a_person(desk: ImportDesk) -> None:
    await desk.whole(b"name,email,phone\nAna,ana@example.com,+12025550101\nBob,bob@example.com,+12025550102\n")
    body = (
        b"name,email,phone\n"
        b"Ana,ana@example.com,+12025550109\n"
        b"Bob,other@example.com,+12025550102\n"
        b"Who,ana@example.com,+12025550102\n"
    )
    shown = await desk.whole(body, when_found="update")
    assert counts(shown) == (3, 0, 0, 0, 3)
    told = [(bad["row"], bad["faults"][0]["field"], bad["cells"][0]) for bad in await desk.bad(shown["id"])]
    assert told == [(2, "phone", "Ana"), (3, "email", "Bob"), (4, "row", "Who")]
    assert [lead.phone for lead in await desk.leads()] == [NUMBER, "+12025550101", "+12025550102"]


async def test_a_refusal_outlives_the_file_and_one_in_it_holds_for_the_number(desk: ImportDesk) -> None:
    refused = "+12025550177"
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        word = {"channel": "phone", "address": refused, "said": "refused", "said_at": utc_now()}
        unit.session.add(Consent(org_id=desk.org.id, source="letter", evidence="a letter", **word))
        await unit.commit()
    shown = await desk.whole(
        f"name,phone,dnc\nRefused,{refused},no\nSays no,{NUMBER},sim\n".encode(), when_found="create"
    )
    assert counts(shown) == (2, 2, 0, 0, 0)
    leads = {lead.name: (lead.do_not_call, lead.status) for lead in await desk.leads()}
    stopped = (True, "do_not_call")
    assert leads == {"Dana": stopped, "Refused": stopped, "Says no": stopped}
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        assert await LeadStore(unit).refused_calls(NUMBER)
        proof = (await unit.session.scalars(select(Consent).where(Consent.address == NUMBER))).one()
    assert (proof.source, proof.evidence) == ("import", "file leads.csv, row 3")


async def test_a_file_cannot_lift_a_refusal(desk: ImportDesk) -> None:
    await desk.whole(f"name,phone,dnc\nDana,{NUMBER},yes\n".encode(), when_found="update")
    await desk.whole(f"name,phone,dnc,status\nDana,{NUMBER},no,novo\n".encode(), when_found="update")
    (dana,) = await desk.leads()
    assert (dana.do_not_call, dana.status) == (True, "do_not_call")


async def test_an_owner_is_a_member(desk: ImportDesk) -> None:
    body = f"name,email,owner\nA,a@example.com,{desk.org.email.upper()}\nB,b@example.com,who@example.com\n".encode()
    shown = await desk.whole(body)
    assert counts(shown) == (2, 1, 0, 0, 1)
    assert (await desk.leads())[-1].owner_id == desk.org.user_id
    (bad,) = await desk.bad(shown["id"])
    assert bad["faults"][0]["field"] == "owner"


@pytest.mark.usefixtures("small_batches")
async def test_a_worker_that_dies_at_any_batch_doubles_no_row(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run ends, like a killed one, after a batch is in or while one is being put in."""
    made = await desk.upload(rows_of(10) + b",nameless@example.com\n")
    await desk.start(made)
    put, calls = jobs._Desk.put, 0

    async def dying(self: Any, batch: Any, before: Place) -> bool:
        nonlocal calls
        calls += 1
        if calls % 2:
            await put(self, batch, before)
        raise KilledNow

    class KilledNow(BaseException):
        """Caught by nobody, as a kill is."""

    monkeypatch.setattr(jobs._Desk, "put", dying)
    for _ in range(6):
        with pytest.raises(BaseExceptionGroup):
            await desk.read(made["id"])
    monkeypatch.setattr(jobs._Desk, "put", put)
    assert (await desk.shown(made["id"]))["rows"] == 9
    await desk.read(made["id"])
    await desk.read(made["id"])  # handed out once more: nothing is left to do
    shown = await desk.shown(made["id"])
    assert (shown["state"], counts(shown)) == ("finished", (11, 10, 0, 0, 1))
    assert [lead.name for lead in await desk.leads()] == ["Dana", *(f"Person {number}" for number in range(10))]


@pytest.mark.usefixtures("small_batches")
async def test_two_workers_at_one_file_put_each_row_in_once(desk: ImportDesk) -> None:
    made = await desk.upload(rows_of(60))
    await desk.start(made)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(desk.read(made["id"]))
    await desk.read(made["id"])
    assert counts(await desk.shown(made["id"])) == (60, 60, 0, 0, 0)
    assert len(await desk.leads()) == 61


@pytest.mark.usefixtures("small_batches")
async def test_a_long_file_is_read_in_slices(desk: ImportDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SLICE_S", -1.0)
    made = await desk.upload(rows_of(8))
    await desk.start(made)
    await desk.read(made["id"])
    assert (await desk.shown(made["id"]))["rows"] == 3
    async with UnitOfWork(desk.work.sessions) as unit:
        waiting = text(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'imports.read' AND args ->> 'import_id' = :id"
        )
        assert await unit.session.scalar(waiting, {"id": made["id"]}) == 2


@pytest.mark.usefixtures("small_batches")
async def test_bytes_that_are_not_of_the_encoding_end_it_and_what_was_before_is_in(desk: ImportDesk) -> None:
    made = await desk.upload(rows_of(4) + "José,j@example.com\n".encode("cp1252") + b"X,x@example.com\n")
    assert made["form"]["encoding"] == "cp1252"
    data(await desk.api.put(f"/api/imports/{made['id']}/form", json={"encoding": "cp1252"}))
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        forced = {"encoding": "utf-8", "delimiter": ",", "newline": "\n", "has_header": True}
        await unit.session.execute(update(Import).where(Import.id == UUID(made["id"])).values(form=forced))
        await unit.commit()
    await desk.start(made)
    await desk.read(made["id"])
    shown = await desk.shown(made["id"])
    assert (shown["state"], shown["fault"]) == ("failed", {"code": "wrong_encoding", "line": 6})
    assert counts(shown) == (3, 3, 0, 0, 0)


async def test_a_store_that_is_away_leaves_the_import_for_the_next_try(desk: ImportDesk) -> None:
    made = await desk.upload(rows_of(2))
    await desk.start(made)
    # Nobody listens at this port.
    away = S3Store("b", endpoint="http://127.0.0.1:1", allow_http=True, retry_config=NO_RETRY, **KEYS)
    with pytest.raises(BaseError):
        await replace(desk, work=replace(desk.work, store=away)).read(made["id"])
    assert (await desk.shown(made["id"]))["state"] == "running"
    await desk.read(made["id"])
    assert counts(await desk.shown(made["id"])) == (2, 2, 0, 0, 0)


async def test_what_a_file_changes_says_by_which_import(desk: ImportDesk) -> None:
    shown = await desk.whole(f"name,phone,score\nDana,{NUMBER},40\n".encode(), when_found="update")
    assert counts(shown) == (1, 0, 1, 0, 0)
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        change = (await unit.session.scalars(select(LeadChange))).one()
    assert (change.changes, change.by, str(change.by_id)) == ({"score": [0, 40]}, "import", shown["id"])


@pytest.mark.usefixtures("small_batches")
async def test_one_whose_job_is_dead_has_failed_and_goes_on_when_it_is_tried_again(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await desk.upload(rows_of(8))
    await desk.start(made)
    await no_jobs(desk.work)
    with monkeypatch.context() as one_slice:
        one_slice.setattr(jobs, "SLICE_S", -1.0)
        await desk.read(made["id"])
    before = await desk.shown(made["id"])
    away = S3Store("b", endpoint="http://127.0.0.1:1", allow_http=True, retry_config=NO_RETRY, **KEYS)
    job_id = await fail_for_good(replace(desk.work, store=away), READ.name)
    shown = await desk.shown(made["id"])
    assert (shown["state"], shown["fault"], counts(shown)) == ("failed", {"code": "given_up"}, counts(before))
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        letter = (await unit.session.scalars(select(PostedLetter))).one()
        event = (await unit.session.scalars(select(OutboxEvent).where(OutboxEvent.kind == "import.finished"))).one()
    assert (letter.to_address, f"job {job_id};" in letter.text) == (desk.org.email, True)
    assert event.body["state"] == "failed"

    data(await desk.api.post(f"/api/jobs/dead/{job_id}/retry"), 202)
    await do_what_waits(desk.work, {READ.name: READ})
    shown = await desk.shown(made["id"])
    assert (shown["state"], shown["fault"]) == ("finished", None)
    assert counts(shown) == (8, 8, 0, 0, 0), "from where it was, and no row twice"


async def test_a_file_that_is_gone_fails_the_import(desk: ImportDesk) -> None:
    made = await desk.upload(rows_of(2))
    await desk.start(made)
    await replace(desk, work=replace(desk.work, store=MemoryStore())).read(made["id"])
    shown = await desk.shown(made["id"])
    assert (shown["state"], shown["fault"]) == ("failed", {"code": "file_gone"})


async def test_a_cancelled_import_reads_no_more(desk: ImportDesk) -> None:
    made = await desk.upload(rows_of(2))
    await desk.start(made)
    assert data(await desk.api.post(f"/api/imports/{made['id']}/cancel"))["state"] == "cancelled"
    await desk.read(made["id"])
    assert len(await desk.leads()) == 1
    problem(await desk.api.post(f"/api/imports/{made['id']}/cancel"), 409, "import_not_ready")


async def test_uploads_and_old_imports_are_forgotten(desk: ImportDesk) -> None:
    uploaded, finished = await desk.upload(rows_of(1)), await desk.whole(b"name,email\n,x\n")
    for made in (uploaded, finished):
        await FORGET.run(desk.work, {"org_id": str(desk.org.id), "import_id": made["id"]})
    problem(await desk.api.get(f"/api/imports/{uploaded['id']}"), 404, "import_not_found")
    assert len(await desk.bad(finished["id"])) == 1, "what became of an import is kept for longer"
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        await unit.session.execute(update(Import).values(created_at=utc_now() - KEPT - timedelta(days=1)))
        await unit.commit()
    await FORGET.run(desk.work, {"org_id": str(desk.org.id), "import_id": finished["id"]})
    async with UnitOfWork(desk.work.sessions, desk.org.id) as unit:
        assert (await unit.session.scalars(select(ImportFault))).all() == []


async def test_notes_of_a_file_are_notes_of_the_lead_and_said_once(desk: ImportDesk) -> None:
    """Beside the row stands the text that all of a lead's notes say, as if they had been written one by one."""
    first = b"name,email,notes\nDana,d@example.com,likes mornings\nEli,e@example.com,\n"
    await desk.whole(first, when_found="update")
    await desk.whole(first, when_found="update")
    await desk.whole(b"name,email,notes\nDana,d@example.com,two shops\n", when_found="update")
    notes = await rows(desk.work.sessions, desk.org, Note)
    assert sorted((note.text, note.author_id) for note in notes) == [
        ("likes mornings", desk.org.user_id),
        ("two shops", desk.org.user_id),
    ]
    texts = {lead.name: lead.notes for lead in await desk.leads()}
    assert (texts["Dana"], texts["Eli"]) == ("likes mornings\ntwo shops", "")
