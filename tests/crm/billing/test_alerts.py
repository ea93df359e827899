"""Warnings that credits come to an end: stored, posted and told once a day, on a real Postgres."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text

from crm.billing.alerts import check_credits, look_if_low, rebase
from crm.billing.ledger import Ledger
from crm.billing.top_up import top_up
from crm.database import Sessions, utc_now
from crm.identity.model import Member
from crm.jobs.running import do_what_waits
from crm.mail.model import PostedLetter
from crm.mail.post import FolderPost
from crm.outbox.emitting import OUTBOX
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.billing.calls import fund_call, settle
from tests.crm.conftest import Org, make_org
from tests.crm.jobs.desk import work_of
from tests.crm.test_api import data

DAY = timedelta(hours=24)


@pytest.fixture
async def org(sessions: Sessions) -> Org:
    """With 100 credits, from which it is measured."""
    org = await make_org(sessions, credit=100)
    assert await look(sessions, org, utc_now()) is None
    return org


async def look(sessions: Sessions, org: Org, now: datetime) -> int | None:
    async with UnitOfWork(sessions, org.id) as unit:
        alert = await check_credits(unit, now)
        await unit.commit()
        return alert.level if alert is not None else None


async def spend(sessions: Sessions, org: Org, milli: int, name: str) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).debit(Millicredits(milli), "test", name)
        await unit.commit()


async def letters(sessions: Sessions, org: Org) -> list[tuple[str, str]]:
    async with UnitOfWork(sessions, org.id) as unit:
        rows = await unit.session.scalars(select(PostedLetter).order_by(PostedLetter.id))
        return [(row.to_address, row.subject) for row in rows]


async def test_each_level_is_told_once_a_day(sessions: Sessions, org: Org) -> None:
    now = utc_now()
    await spend(sessions, org, 79_999, "a")
    assert await look(sessions, org, now) is None
    await spend(sessions, org, 1, "b")
    assert await look(sessions, org, now) == 80
    assert await look(sessions, org, now + DAY / 2) is None
    await spend(sessions, org, 15_000, "c")
    assert await look(sessions, org, now + DAY / 2) == 95
    assert await look(sessions, org, now + DAY * 1.4) is None, "the higher says what the lower would"
    assert await look(sessions, org, now + DAY * 1.5) == 95
    assert await letters(sessions, org) == [
        (org.email, f"{level} % of your credits are used") for level in (80, 95, 95)
    ]
    async with UnitOfWork(sessions, org.id) as unit:
        events = (await unit.session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))).all()
    assert [(event.kind, event.body["level"], event.body["available"]) for event in events] == [
        ("credits.low", 80, 20_000),
        ("credits.low", 95, 5_000),
        ("credits.low", 95, 5_000),
    ]


async def test_many_who_look_at_once_tell_it_once(sessions: Sessions, org: Org) -> None:
    await spend(sessions, org, 90_000, "a")
    now = utc_now()
    async with asyncio.TaskGroup() as tasks:
        looks = [tasks.create_task(look(sessions, org, now)) for _ in range(5)]
    assert sorted(one.result() or 0 for one in looks) == [0, 0, 0, 0, 80]


async def test_what_is_held_for_calls_is_not_used_yet(sessions: Sessions, org: Org) -> None:
    call_id = await fund_call(sessions, org, seconds=600)
    assert await look(sessions, org, utc_now()) is None, "the wallet is empty, and nothing is spent"
    await settle(sessions, org, call_id, 500)
    assert await look(sessions, org, utc_now()) == 80


async def test_credits_that_come_in_are_the_new_measure(sessions: Sessions, org: Org) -> None:
    await spend(sessions, org, 95_000, "a")
    assert await top_up(Millicredits(15_000), "later", UnitOfWork(sessions, org.id))
    await spend(sessions, org, 10_000, "b")
    assert await look(sessions, org, utc_now()) is None, "10 of 20"
    await spend(sessions, org, 6_000, "c")
    assert await look(sessions, org, utc_now()) == 80
    async with UnitOfWork(sessions, org.id) as unit:
        await rebase(unit)
        await unit.commit()
    assert await look(sessions, org, utc_now() + 2 * DAY) is None


async def test_only_admins_who_may_come_in_get_letters(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Member, (org.id, org.user_id))).role = "rep"
        await unit.commit()
    await spend(sessions, org, 95_000, "a")
    assert await look(sessions, org, utc_now()) == 95
    assert await letters(sessions, org) == []


async def test_the_end_of_a_call_and_a_low_wallet_have_it_looked_at(
    sessions: Sessions,
    org: Org,
    postgres: PostgresAddresses,
    redis: Redis,
    api: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    work = work_of(sessions, postgres.app_url, redis, post=FolderPost(tmp_path, "salesos@example.com"))
    await spend(sessions, org, 85_000, "a")
    async with UnitOfWork(sessions, org.id) as unit:
        await OUTBOX.emit(unit, "call.finished", {})
        await unit.commit()
    await do_what_waits(work)
    await spend(sessions, org, 12_000, "b")
    async with UnitOfWork(sessions, org.id) as unit:
        wallet = await Ledger(unit).wallet()
        assert await look_if_low(unit, wallet, 100_000)
        assert await look_if_low(unit, wallet, 100_000), "the second waits for the same job"
        assert not await look_if_low(unit, wallet, 0)
        await unit.commit()
    await do_what_waits(work)
    told = data(await api.get("/api/ledger/alerts"))
    assert [(alert["level"], alert["available"]) for alert in told] == [(95, 3_000), (80, 15_000)]
