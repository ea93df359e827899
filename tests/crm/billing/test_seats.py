"""Seats of a plan."""

import asyncio

import pytest

from crm.billing.conditions import ConditionStore
from crm.billing.plans import Plan, Plans
from crm.billing.seats import PlanLimit, take_seat
from crm.database import Sessions
from crm.identity.model import Member
from crm.identity.store import PeopleStore
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, make_org

PLANS = Plans({"duo": Plan("duo", seats=2)}, Plan("big"))


async def subscribed(sessions: Sessions) -> Org:
    org = await make_org(sessions)
    async with UnitOfWork(sessions, org.id) as unit:
        await ConditionStore(unit).subscribe("duo")
        await unit.commit()
    return org


async def join(sessions: Sessions, org: Org, who: Org) -> bool:
    """Let a person of another organisation in, as far as there is a seat."""
    try:
        async with UnitOfWork(sessions, org.id) as unit:
            await take_seat(unit, PLANS)
            await PeopleStore(unit).by_email(who.email)
            unit.session.add(Member(org_id=org.id, user_id=who.user_id, role="rep"))
            await unit.commit()
    except PlanLimit:
        return False
    return True


async def test_of_many_who_come_at_once_as_many_are_let_in_as_there_are_seats(sessions: Sessions) -> None:
    org = await subscribed(sessions)
    people = [await make_org(sessions) for _ in range(4)]
    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(join(sessions, org, who)) for who in people]
    assert sorted(attempt.result() for attempt in tries) == [False, False, False, True]


async def test_an_invitation_keeps_a_seat(sessions: Sessions) -> None:
    org = await subscribed(sessions)
    async with UnitOfWork(sessions, org.id) as unit:
        await take_seat(unit, PLANS)
        with pytest.raises(PlanLimit) as caught:
            await take_seat(unit, PLANS, invited=1)
    assert caught.value.details == {"limit": "seats", "most": 2, "plan": "duo"}


async def test_a_plan_without_a_limit(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await take_seat(unit, PLANS, invited=10_000)
