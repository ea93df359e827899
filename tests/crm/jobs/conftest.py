"""What tests of the queue work with."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.jobs.desk import Diary, work_of


@pytest.fixture
async def work(sessions: Sessions, postgres: PostgresAddresses, redis: Redis) -> Work:
    async with UnitOfWork(sessions) as unit:
        # What other tests left is no business of a worker here.
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    return work_of(sessions, postgres.app_url, redis)


@pytest.fixture
def diary() -> Diary:
    return Diary()
