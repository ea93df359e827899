"""One change of an organisation after the other, and others beside it."""

import asyncio

import pytest

from crm.database import Sessions
from crm.one_at_a_time import queue_up
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, make_org

KEY = 1_000_007


async def test_the_second_of_an_organisation_waits_for_the_first(org: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    async with UnitOfWork(sessions, org.id) as first:
        await queue_up(KEY, first)
        async with UnitOfWork(sessions, other.id) as beside:
            await queue_up(KEY, beside)
        async with UnitOfWork(sessions, org.id) as second:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue_up(KEY, second), 0.2)
    async with UnitOfWork(sessions, org.id) as third:
        await queue_up(KEY, third)
