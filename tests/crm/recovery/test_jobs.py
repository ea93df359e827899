"""More events that could not be applied than may be is a critical line."""

from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from crm.calls.intake import Entry, bury
from crm.calls.model import Why
from crm.database import Sessions
from crm.recovery.jobs import WATCH
from crm.recovery.store import DeadLetterStore
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.jobs.desk import work_of


@pytest.mark.parametrize(("spare", "told"), [(0, 0), (-1, 1)])
async def test_too_many_are_told(
    sessions: Sessions, redis: Redis, postgres: PostgresAddresses, spare: int, told: int
) -> None:
    async with UnitOfWork(sessions) as unit:
        await bury(Entry("events:00", "1-1", uuid4().bytes), unit, Why.UNREADABLE, "unreadable: test")
        many = await DeadLetterStore(unit).count()
        await unit.commit()
    with capture_logs() as lines:
        work = replace(work_of(sessions, postgres.app_url, redis), dead_letters_max=many + spare)
        await WATCH.run(work, {})
    assert [line["event"] for line in lines if line["log_level"] == "critical"] == ["events.many_dead_letters"] * told
