"""Handing out: once each, what was rolled back never, and nothing is skipped by a listener that failed."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from crm.database import Sessions
from crm.jobs.running import do_what_waits
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.outbox import jobs, listeners
from crm.outbox.emitting import OUTBOX
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.jobs.desk import work_of


@pytest.fixture
async def work(sessions: Sessions, postgres: PostgresAddresses, redis: Redis) -> Work:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    return work_of(sessions, postgres.app_url, redis)


async def emit(work: Work, org: Org, number: int, *, commit: bool = True) -> None:
    async with UnitOfWork(work.sessions, org.id) as unit:
        await OUTBOX.emit(unit, "test.happened", {"number": number})
        if commit:
            await unit.commit()


async def test_a_listener_that_was_away_catches_up(work: Work, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    away = True

    async def listener(_unit: UnitOfWork, event: OutboxEvent) -> None:
        if away:
            raise ConnectionResetError
        heard.append(event.body["number"])

    monkeypatch.setattr(listeners, "LISTENERS", (listener,))
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    for number in range(3):
        await emit(work, org, number)
    await emit(work, org, 99, commit=False)
    await do_what_waits(work)
    assert heard == []
    away = False
    await emit(work, org, 3)
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
        await unit.commit()
    await do_what_waits(work)
    await do_what_waits(work)
    assert heard == [0, 1, 2, 3]


async def test_a_letter_of_one_key_is_posted_once(work: Work, org: Org) -> None:
    async with UnitOfWork(work.sessions, org.id) as unit:
        for text_ in ("first", "second"):
            await MAIL.send(unit, Letter("ada@example.com", "Hello", text_), key="k")
        await unit.commit()
    async with UnitOfWork(work.sessions, org.id) as unit:
        told = (await unit.session.execute(text("SELECT text FROM letters"))).scalars().all()
        put_in = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'mail.post'")
        assert (told, await unit.session.scalar(put_in)) == (["first"], 1)
