"""The demonstration organisation."""

import asyncio

import pytest
from sqlalchemy import func, select

from crm.agents.model import Agent
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.compliance.calling_hours import keep_hours, own_hours
from crm.compliance.gate import Question, judge
from crm.compliance.hours import ALWAYS, ANY_TIME
from crm.compliance.rules import Rules
from crm.database import open_engine, open_sessions
from crm.identity.model import Organisation
from crm.identity.usecases import SignInFailed, identify, sign_in
from crm.leads.model import Lead
from crm.seed import LEADS, DemoSignIn, seed_demo
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import by_database

KEY = "a-key-that-is-long-enough-for-hs256-0000"


def test_seeding_twice_makes_one_and_a_new_password(fresh_database: PostgresAddresses) -> None:
    first = seed_demo(fresh_database.app_url)
    asyncio.run(_without_hours(fresh_database.app_url, first))
    second = seed_demo(fresh_database.app_url)
    assert (first.email, first.org_id) == (second.email, second.org_id)
    assert first.password != second.password
    asyncio.run(_check(fresh_database.app_url, first, second))


async def _without_hours(app_url: str, demo: DemoSignIn) -> None:
    """As an earlier release left it."""
    engine = open_engine(app_url)
    async with UnitOfWork(open_sessions(engine), demo.org_id) as unit:
        await keep_hours(None, unit)
        await unit.commit()
    await engine.dispose()


async def _check(app_url: str, first: DemoSignIn, second: DemoSignIn) -> None:
    engine = open_engine(app_url)
    sessions = open_sessions(engine)
    try:
        signed_in = await sign_in(second.email, second.password, sessions, KEY)
        identity = await identify(signed_in.token, by_database(sessions), KEY)
        assert identity.org_id == second.org_id
        with pytest.raises(SignInFailed):
            await sign_in(first.email, first.password, sessions, KEY)
        async with UnitOfWork(sessions, second.org_id) as unit:
            organisation = (await unit.session.scalars(select(Organisation))).one()
            assert (organisation.name, organisation.slug) == ("Northwind Energy", "demo")
            assert organisation.record_when == "always", "its callers are simulated"
            assert await own_hours(unit) == ALWAYS
            assert (await unit.session.scalars(select(Agent.playbook))).one() == "energy_meeting"
            assert await unit.session.scalar(select(func.count()).select_from(Lead)) == len(LEADS)
            assert (await Ledger(unit).balances())[AccountKind.WALLET] == 5_000_000
    finally:
        await engine.dispose()


@pytest.mark.parametrize("phone", [lead[2] for lead in LEADS])
def test_demonstration_numbers_may_be_called_and_are_fiction(phone: str) -> None:
    assert judge(Question(phone, True, False, 60, ANY_TIME), Rules(60, frozenset(), frozenset({"US"}))).allowed
    assert phone[5:10] == "55501", "555-0100 to 555-0199"
