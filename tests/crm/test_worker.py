"""The sweep: dials that nobody spoke for give their credits back, others are left alone."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls.dial import DialRequest
from crm.calls.model import Call, PendingDial
from crm.database import Sessions, utc_now
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.worker import SWEEP_LOCK, sweep
from events.call import Answered
from tests.crm.conftest import CREDITS, Org
from tests.crm.fake_node import CallScript, FakeNode, publish


@pytest.fixture
async def call(resources: Resources, node: FakeNode, org: Org) -> Call:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    async with UnitOfWork(resources.sessions, org.id) as unit:
        return await unit.session.get_one(Call, (org.id, answer.call_id))


async def make_overdue(sessions: Sessions, call: Call) -> None:
    async with UnitOfWork(sessions) as unit:
        late = utc_now() - timedelta(seconds=1)
        await unit.session.execute(update(PendingDial).where(PendingDial.call_id == call.id).values(release_at=late))
        await unit.commit()


async def now(sessions: Sessions, call: Call) -> tuple[Call, int]:
    async with UnitOfWork(sessions, call.org_id) as unit:
        found = await unit.session.get_one(Call, (call.org_id, call.id))
        return found, (await Ledger(unit).balances())[AccountKind.WALLET]


async def test_an_overdue_dial_is_released_once(call: Call, sessions: Sessions, redis: Redis) -> None:
    await make_overdue(sessions, call)
    await sweep(sessions, redis)
    await sweep(sessions, redis)
    after, wallet = await now(sessions, call)
    assert (after.state, after.outcome, after.reason) == ("failed", "unknown", "no_word_from_node")
    assert (after.held, after.closed, wallet) == (0, True, CREDITS * 1_000)


async def test_a_dial_that_is_not_due_is_left_alone(call: Call, sessions: Sessions, redis: Redis) -> None:
    await sweep(sessions, redis)
    assert (await now(sessions, call))[0].state == "queued"


async def test_a_dial_whose_event_waits_unread_is_left_alone(call: Call, sessions: Sessions, redis: Redis) -> None:
    """The consumer is late, not the node."""
    await make_overdue(sessions, call)
    await publish(redis, CallScript(call.org_id, call.id).event(Answered()))
    await sweep(sessions, redis)
    assert (await now(sessions, call))[0].state == "queued"


async def test_one_sweeps_at_a_time(call: Call, sessions: Sessions, redis: Redis) -> None:
    await make_overdue(sessions, call)
    async with UnitOfWork(sessions) as other:
        await other.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK})
        assert await sweep(sessions, redis) == 0
        assert (await now(sessions, call))[0].state == "queued"
    assert await sweep(sessions, redis) >= 1
