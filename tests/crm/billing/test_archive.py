"""Postings that are older than a year: put away without losing a balance, and found again."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from config.settings import Settings
from crm.billing import archive, jobs
from crm.billing.archive import month_after, put_away, put_away_before
from crm.billing.jobs import PUT_AWAY
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind, ArchivedTransaction, Entry, Transaction
from crm.billing.replay import replay
from crm.billing.top_up import top_up
from crm.calls.summary import summarise
from crm.database import Sessions, utc_now
from crm.jobs.running import do_what_waits
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.billing.calls import settled_call
from tests.crm.billing.test_replay import superuser
from tests.crm.conftest import Org, make_org
from tests.crm.jobs.desk import work_of
from tests.crm.test_api import data, problem

OLD = datetime(2023, 5, 31, 23, 59, tzinfo=UTC)
TASKS = {PUT_AWAY.name: PUT_AWAY}


def age(postgres: PostgresAddresses, org: Org, at: datetime = OLD) -> None:
    """Have all that the organisation has booked so far been booked then, a minute apart in its order."""
    with superuser(postgres) as admin:
        admin.execute(
            """UPDATE ledger_transactions AS made SET at = %s + old.place * interval '1 minute'
            FROM (SELECT id, row_number() OVER (ORDER BY at, id) - 1 AS place FROM ledger_transactions
                WHERE org_id = %s) AS old
            WHERE made.org_id = %s AND made.id = old.id""",
            (at, org.id, org.id),
        )


async def busy(sessions: Sessions, org: Org) -> UUID:
    """Five postings: what the organisation was founded with, a call's two, a debit and a top-up."""
    call_id = await settled_call(sessions, org)
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).debit(Millicredits(70), "test", "test:1")
        await unit.commit()
    assert await top_up(Millicredits(1_000), "invoice-17", UnitOfWork(sessions, org.id))
    return call_id


async def all_put_away(sessions: Sessions, org: Org) -> int:
    moved = 0
    while True:
        async with UnitOfWork(sessions, org.id) as unit:
            some = await put_away(put_away_before(utc_now()), unit)
            await unit.commit()
        if not some:
            return moved
        moved += some


async def balances(sessions: Sessions, org: Org) -> dict[AccountKind, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        ledger = Ledger(unit)
        assert (await ledger.total(), await replay(unit)) == (0, [])
        return await ledger.balances()


async def count(sessions: Sessions, org: Org, model: type[Transaction | Entry | ArchivedTransaction]) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        return int(await unit.session.scalar(select(func.count()).select_from(model)) or 0)


@pytest.mark.parametrize("batch", [1, 2, 2_000])
async def test_no_balance_changes_and_nothing_is_lost(
    batch: int, sessions: Sessions, org: Org, postgres: PostgresAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", batch)
    call_id = await busy(sessions, org)
    before = await balances(sessions, org)
    told = (await summarise(call_id, UnitOfWork(sessions, org.id)))["transactions"]
    assert await all_put_away(sessions, org) == 0, "nothing is a year old"
    age(postgres, org)
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).debit(Millicredits(5), "test", "young")
        await unit.commit()
    before[AccountKind.WALLET] -= 5
    before[AccountKind.REVENUE] += 5
    assert await all_put_away(sessions, org) == 5
    assert await all_put_away(sessions, org) == 0, "what stands in their place stays"
    assert await balances(sessions, org) == before
    assert await count(sessions, org, ArchivedTransaction) == 5
    # A call that took what it had reserved, and nothing else, leaves nothing behind that a batch of it would carry.
    assert await count(sessions, org, Transaction) <= 1 + (5 + batch - 1) // batch
    now = (await summarise(call_id, UnitOfWork(sessions, org.id)))["transactions"]
    assert [line["id"] for line in now] == [line["id"] for line in told], "the call still tells what it cost"
    assert [line["entries"] for line in now] == [line["entries"] for line in told]
    assert not await top_up(Millicredits(1_000), "invoice-17", UnitOfWork(sessions, org.id)), "booked years ago"
    assert await top_up(Millicredits(1_000), "invoice-18", UnitOfWork(sessions, org.id))


async def test_the_statement_says_where_the_older_ones_are(
    api: httpx.AsyncClient, sessions: Sessions, org: Org, postgres: PostgresAddresses
) -> None:
    await busy(sessions, org)
    path = "/api/ledger/transactions"
    page = data(await api.get(path))
    assert (page["archived_to"], page["archive"]) == (None, None)
    whole = page["transactions"]
    assert data(await api.get("/api/ledger/archive/months")) == []
    age(postgres, org)  # one posting in May, four in June
    await all_put_away(sessions, org)
    page = data(await api.get(path))
    assert [line["kind"] for line in page["transactions"]] == ["carried"]
    assert datetime.fromisoformat(page["archived_to"]) == OLD + timedelta(minutes=4)
    assert data(await api.get(page["archive"])) == ["2023-06", "2023-05"]

    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"month": "2023-06", "limit": "3"} | ({"cursor": cursor} if cursor else {})
        part = data(await api.get("/api/ledger/archive", params=query))
        found += part["transactions"]
        cursor = part["next"]
    found += data(await api.get("/api/ledger/archive?month=2023-05"))["transactions"]
    assert [(line["id"], line["kind"], line["entries"]) for line in found] == [
        (line["id"], line["kind"], line["entries"]) for line in whole
    ]
    assert data(await api.get("/api/ledger/archive?month=2023-07"))["transactions"] == []

    answer = await api.get("/api/ledger/archive.csv?month=2023-06")
    assert 'filename="ledger-2023-06.csv"' in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["transaction"] for line in lines] == [line["id"] for line in whole[:4]]
    for wrong in ("2023", "2023-13", "1999-01", "2023-06-01", ""):
        problem(await api.get("/api/ledger/archive", params={"month": wrong}), 400, "invalid_request")


async def test_each_night_a_worker_puts_away_what_is_old(
    sessions: Sessions, settings: Settings, redis: Redis, postgres: PostgresAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await make_org(sessions), await make_org(sessions)
    for org in (first, second):
        await busy(sessions, org)
        age(postgres, org)
    for module in (archive, jobs):
        monkeypatch.setattr(module, "BATCH", 2)
    # Each job leaves what is behind its first batch to the next.
    monkeypatch.setattr(jobs, "SLICE_S", -1.0)
    work = work_of(sessions, settings.need("database_url"), redis)
    await PUT_AWAY.run(work, {})
    await do_what_waits(work, TASKS)
    for org in (first, second):
        assert await count(sessions, org, ArchivedTransaction) == 5
        await balances(sessions, org)


async def test_nothing_younger_than_a_year_and_nothing_of_others_is_moved(
    sessions: Sessions, org: Org, postgres: PostgresAddresses
) -> None:
    other = await make_org(sessions)
    age(postgres, other)
    for before in (utc_now(), utc_now() - timedelta(days=364)):
        async with UnitOfWork(sessions, org.id) as unit:
            with pytest.raises(IntegrityError, match="older than a year"):
                await put_away(before, unit)
    async with UnitOfWork(sessions) as unit:
        with pytest.raises(IntegrityError):
            await put_away(put_away_before(utc_now()), unit)
    assert await all_put_away(sessions, org) == 0
    assert await count(sessions, other, ArchivedTransaction) == 0
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(
            ArchivedTransaction(org_id=org.id, id=org.id, kind="x", reference="x", at=OLD, amounts=[0] * 5)
        )
        with pytest.raises(DBAPIError, match="permission denied"):
            await unit.session.flush()


async def test_an_archive_that_was_tampered_with_is_told(
    sessions: Sessions, org: Org, postgres: PostgresAddresses
) -> None:
    await busy(sessions, org)
    age(postgres, org)
    await all_put_away(sessions, org)
    with superuser(postgres) as admin:
        changed = "UPDATE ledger_archive SET amounts[1] = amounts[1] + 5 WHERE org_id = %s AND kind = 'fund'"
        admin.execute(changed, (org.id,))
    async with UnitOfWork(sessions, org.id) as unit:
        assert [(one.what, one.said) for one in await replay(unit)] == [("put_away", 0)]


def test_whole_months_that_ended_a_year_ago() -> None:
    assert put_away_before(datetime(2026, 11, 23, 5, tzinfo=UTC)) == datetime(2025, 11, 1, tzinfo=UTC)
    assert put_away_before(datetime(2024, 2, 29, tzinfo=UTC)) == datetime(2023, 2, 1, tzinfo=UTC)
    assert month_after(date(2025, 12, 1)) == date(2026, 1, 1)
    assert month_after(date(2025, 1, 1)) == date(2025, 2, 1)
