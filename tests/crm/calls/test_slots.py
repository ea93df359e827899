"""How many calls a plan lets go on at a time: never more, and no slot lost with a process."""

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text, update

from config.settings import Settings
from crm.billing.conditions import ConditionStore
from crm.calls import slots
from crm.calls.dial import CallRefused, DialRequest
from crm.calls.model import Call, PendingDial
from crm.calls.slots import SLACK_S
from crm.compliance.model import Decision
from crm.database import Sessions, utc_now
from crm.resources import Resources, open_resources
from crm.unit_of_work import UnitOfWork
from crm.worker import sweep
from tests.crm.billing.calls import fund_call, settle
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode

BASIC_CALLS = 2


@pytest.fixture(autouse=True)
async def basic(sessions: Sessions, org: Org) -> None:
    await subscribe(sessions, org, "basic")


async def subscribe(sessions: Sessions, org: Org, plan: str) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await ConditionStore(unit).subscribe(plan)
        await unit.commit()


async def dial(resources: Resources, org: Org) -> str:
    """Return the reason against it, empty for none."""
    try:
        await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    except CallRefused as refused:
        return refused.code
    return ""


async def live(sessions: Sessions, org: Org) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        return (await slots.live(unit)).calls


async def test_of_many_dials_at_once_as_many_are_placed_as_there_are_slots(
    resources: Resources, node: FakeNode, sessions: Sessions
) -> None:
    org = await make_org(sessions, credit=100_000)
    await subscribe(sessions, org, "basic")
    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(dial(resources, org)) for _ in range(6)]
    assert sorted(attempt.result() for attempt in tries) == [""] * BASIC_CALLS + ["too_many_calls"] * 4
    assert await live(sessions, org) == BASIC_CALLS


async def test_the_one_too_many_is_refused_and_the_decision_kept(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    last, _ = [await fund_call(sessions, org, seconds=60) for _ in range(BASIC_CALLS)]
    assert await dial(resources, org) == "too_many_calls"
    async with UnitOfWork(sessions, org.id) as unit:
        decided = (await unit.session.scalars(select(Decision).where(Decision.org_id == org.id))).all()
    assert [(one.reasons, one.inputs["calls_live"], one.inputs["calls_max"]) for one in decided] == [
        (["too_many_calls"], 2, 2)
    ]
    assert not node.orders
    await settle(sessions, org, last, 10)
    assert await dial(resources, org) == "", "a call that ends leaves its slot"


async def test_an_upgrade_holds_at_once_in_every_process(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org, settings: Settings
) -> None:
    for _ in range(BASIC_CALLS):
        await fund_call(sessions, org, seconds=60)
    elsewhere = open_resources(settings)
    assert await dial(resources, org) == await dial(elsewhere, org) == "too_many_calls"
    await subscribe(elsewhere.sessions, org, "pro")
    assert await dial(resources, org) == ""
    await elsewhere.aclose()


async def test_slots_leaked_by_a_crash(resources: Resources, redis: Redis, sessions: Sessions, org: Org) -> None:
    """The CRM dies between deciding and asking a node: the worker gives slot and credits back."""
    call_id = await fund_call(sessions, org, seconds=60)
    async with UnitOfWork(sessions, org.id) as unit:
        due = utc_now() - timedelta(seconds=1)
        unit.session.add(PendingDial(call_id=call_id, org_id=org.id, stream="events:0", release_at=due))
        await unit.commit()
    assert await live(sessions, org) == 1
    await sweep(sessions, redis)
    assert await live(sessions, org) == 0


async def test_a_call_of_which_nobody_says_any_more_that_it_ended(sessions: Sessions, org: Org) -> None:
    """Its node's machine is gone for good: the slot is free when the credits cannot last any longer."""
    call_id = await fund_call(sessions, org, seconds=60)

    async def began(seconds_ago: int) -> int:
        async with UnitOfWork(sessions, org.id) as unit:
            at = utc_now() - timedelta(seconds=seconds_ago)
            await unit.session.execute(
                update(Call).where(Call.org_id == org.id, Call.id == call_id).values(created_at=at)
            )
            await unit.commit()
        return await live(sessions, org)

    assert await began(60 + SLACK_S - 30) == 1
    assert await began(60 + SLACK_S + 1) == 0


async def test_live_calls_are_counted_by_their_index(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await unit.session.scalars(
            text("EXPLAIN SELECT count(*) FROM calls WHERE org_id = :org AND ended_at IS NULL"), {"org": org.id}
        )
        assert "calls_p" in (told := "\n".join(plan))
    assert "org_id_created_at_idx" in told or "calls_live" in told
