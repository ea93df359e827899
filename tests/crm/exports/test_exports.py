"""Exports through the API, the job and the link."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store
from redis.asyncio import Redis
from sqlalchemy import select, update

from config.settings import Settings
from crm.database import utc_now
from crm.exports import jobs
from crm.exports.jobs import FORGET, GIVE_UP, WRITE
from crm.exports.links import link_of
from crm.exports.model import Export
from crm.jobs.running import do_what_waits
from crm.leads.model import Lead
from crm.mail.model import PostedLetter
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from tests.crm.conftest import Org, make_org, token_of
from tests.crm.exports.test_tables import sheet_of
from tests.crm.jobs.desk import work_of
from tests.crm.jobs.dying import fail_for_good, no_jobs
from tests.crm.test_api import data, problem

NO_RETRY: Any = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
KEYS: Any = {"access_key_id": "x", "secret_access_key": "x", "region": "x"}


@pytest.fixture
def work(resources: Resources, settings: Settings, redis: Redis) -> Work:
    assert settings.database_url is not None
    made = work_of(resources.sessions, settings.database_url.get_secret_value(), redis)
    return replace(made, store=resources.store, site_url="https://crm.example.com/")


@pytest.fixture
async def people(resources: Resources, org: Org) -> None:
    async with UnitOfWork(resources.sessions, org.id) as unit:
        for number in range(7):
            fields = {"city": f"City {number}"} if number % 2 else {}
            made = {"status": "won" if number > 3 else "novo", "custom_fields": fields, "owner_id": org.user_id}
            unit.session.add(Lead(org_id=org.id, name=f"=Person {number}", **made))
            await unit.session.flush()
        await unit.commit()


def args(org: Org, export_id: str) -> dict[str, str]:
    return {"org_id": str(org.id), "export_id": export_id}


async def test_one_whose_job_is_dead_has_failed_until_it_is_tried_again(
    api: httpx.AsyncClient, work: Work, org: Org
) -> None:
    await no_jobs(work)
    made = data(await api.post("/api/exports"), 202)
    away = S3Store("b", endpoint="http://127.0.0.1:1", allow_http=True, retry_config=NO_RETRY, **KEYS)
    job_id = await fail_for_good(replace(work, store=away), WRITE.name)
    shown = data(await api.get(f"/api/exports/{made['id']}"))
    assert (shown["state"], shown["fault"], shown["files"]) == ("failed", "given_up", [])
    async with UnitOfWork(work.sessions, org.id) as unit:
        letter = (await unit.session.scalars(select(PostedLetter))).one()
    assert (letter.to_address, f"job {job_id}." in letter.text) == (org.email, True)

    data(await api.post(f"/api/jobs/dead/{job_id}/retry"), 202)
    # Told too late: it is not dead any more.
    await GIVE_UP.run(work, args(org, made["id"]) | {"job_id": job_id})
    await do_what_waits(work, {WRITE.name: WRITE})
    shown = data(await api.get(f"/api/exports/{made['id']}"))
    assert (shown["state"], shown["fault"], shown["rows"]) == ("finished", "", 1)


async def exported(api: httpx.AsyncClient, work: Work, org: Org, **asked: Any) -> dict[str, Any]:
    made = data(await api.post("/api/exports", params=asked), 202)
    assert (made["state"], made["files"]) == ("waiting", [])
    await WRITE.run(work, args(org, made["id"]))
    return dict(data(await api.get(f"/api/exports/{made['id']}")))


@pytest.mark.usefixtures("people")
async def test_a_filtered_list_becomes_a_file_behind_a_link(
    api: httpx.AsyncClient, client: httpx.AsyncClient, work: Work, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    shown = await exported(api, work, org, status="won")
    assert (shown["state"], shown["rows"], shown["filters"], shown["fetched"]) == ("finished", 3, {"status": "won"}, 0)
    (file,) = shown["files"]
    answer = await client.get(file["url"])
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''leads%20")
    assert int(answer.headers["content-length"]) == file["size_bytes"] == len(answer.content)
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert [row[header.index("name")] for row in rows] == [f"'=Person {number}" for number in (4, 5, 6)]
    assert [row[header.index("city")] for row in rows] == ["", "City 5", ""]
    assert rows[0][header.index("owner")] == org.email
    again = data(await api.get("/api/exports"))[0]
    assert (again["id"], again["fetched"]) == (shown["id"], 1)


@pytest.mark.usefixtures("people")
async def test_a_workbook(api: httpx.AsyncClient, work: Work, org: Org, tmp_path: Any) -> None:
    shown = await exported(api, work, org, format="xlsx")
    (file,) = shown["files"]
    path = tmp_path / "leads.xlsx"
    path.write_bytes((await api.get(file["url"])).content)
    assert shown["rows"] == 8
    assert [row[1] for row in sheet_of(path)] == ["name", "Dana", *(f"=Person {number}" for number in range(7))]


@pytest.mark.usefixtures("people")
async def test_a_letter_brings_the_links(api: httpx.AsyncClient, work: Work, org: Org) -> None:
    shown = await exported(api, work, org)
    await WRITE.run(work, args(org, shown["id"]))  # handed out once more: nothing is done
    async with UnitOfWork(work.sessions, org.id) as unit:
        letter = (await unit.session.scalars(select(PostedLetter).where(PostedLetter.key.like("export:%")))).one()
    assert letter.to_address == org.email
    assert "https://crm.example.com/exports/ey" in letter.text
    assert "8 of them" in letter.text


@pytest.mark.usefixtures("people")
async def test_links_and_files_end_after_a_day(api: httpx.AsyncClient, work: Work, org: Org) -> None:
    shown = await exported(api, work, org)
    url = shown["files"][0]["url"]
    key = jobs.key_of(org.id, UUID(shown["id"]), 0)
    assert obstore.head(work.store, key)["size"]
    late = link_of(org.id, UUID(shown["id"]), 0, utc_now() - timedelta(seconds=1), work.secret_key)
    other = link_of(org.id, UUID(shown["id"]), 1, utc_now() + timedelta(hours=1), work.secret_key)
    for bad in (late, other, url[:-2] + ("aa" if not url.endswith("aa") else "bb"), "/exports/x"):
        problem(await api.get(bad), 404, "export_not_found")
    await FORGET.run(work, args(org, shown["id"]))
    with pytest.raises(FileNotFoundError):
        obstore.head(work.store, key)
    problem(await api.get(url), 404, "export_not_found")
    after = data(await api.get(f"/api/exports/{shown['id']}"))
    assert (after["state"], after["rows"]) == ("expired", 8), "who took what is still told"


async def test_links_are_shown_until_they_end(api: httpx.AsyncClient, work: Work, org: Org) -> None:
    shown = await exported(api, work, org)
    async with UnitOfWork(work.sessions, org.id) as unit:
        await unit.session.execute(update(Export).values(expires_at=utc_now() - timedelta(seconds=1)))
        await unit.commit()
    assert data(await api.get(f"/api/exports/{shown['id']}"))["files"] == []


async def test_a_store_that_is_away_leaves_the_export_for_the_next_try(
    api: httpx.AsyncClient, work: Work, org: Org
) -> None:
    made = data(await api.post("/api/exports"), 202)
    away = S3Store("b", endpoint="http://127.0.0.1:1", allow_http=True, retry_config=NO_RETRY, **KEYS)
    with pytest.raises((BaseError, OSError)):
        await WRITE.run(replace(work, store=away), args(org, made["id"]))
    assert data(await api.get(f"/api/exports/{made['id']}"))["state"] == "waiting"
    await WRITE.run(work, args(org, made["id"]))
    assert data(await api.get(f"/api/exports/{made['id']}"))["state"] == "finished"


async def test_others_get_nothing(api: httpx.AsyncClient, work: Work, org: Org, settings: Settings) -> None:
    shown = await exported(api, work, org)
    other = await make_org(work.sessions)
    theirs = {"Authorization": f"Bearer {token_of(other, settings)}"}
    problem(await api.get(f"/api/exports/{shown['id']}", headers=theirs), 404, "export_not_found")
    assert data(await api.get("/api/exports", headers=theirs)) == []
    stolen = link_of(other.id, UUID(shown["id"]), 0, utc_now() + timedelta(hours=1), work.secret_key)
    problem(await api.get(stolen), 404, "export_not_found")


async def test_what_cannot_be_asked(api: httpx.AsyncClient) -> None:
    for params in ({"format": "pdf"}, {"score_min": 101}, {"owner_id": "me"}, {"owner_id": str(uuid4())}):
        problem(await api.post("/api/exports", params=params), 400, "invalid_request")
