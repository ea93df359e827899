"""Signing in, and the end of an organisation."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.database import Sessions, open_engine
from crm.identity.model import Member
from crm.identity.sessions import NotSignedIn
from crm.identity.tokens import Identity
from crm.identity.usecases import SignInFailed, delete_organisation, identify, sign_in
from crm.resources import Resources
from crm.tenancy import JOB_TABLES, MIGRATION_TABLES
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, by_database, make_org
from tests.crm.fake_node import FakeNode
from tests.crm.one_of_everything import fill

KEY = "a-key-that-is-long-enough-for-hs256-0000"


async def test_signing_in(sessions: Sessions, org: Org) -> None:
    signed_in = await sign_in(f"  {org.email.upper()} ", org.password, sessions, KEY)
    assert await identify(signed_in.token, by_database(sessions), KEY) == signed_in.identity
    session_id = signed_in.identity.session_id
    assert signed_in.identity == Identity(org.user_id, org.email, "admin", org.id, session_id)


async def test_a_wrong_password_and_an_unknown_address_are_alike(sessions: Sessions, org: Org) -> None:
    with pytest.raises(SignInFailed):
        await sign_in(org.email, org.password + "x", sessions, KEY)
    with pytest.raises(SignInFailed):
        await sign_in("nobody@example.com", org.password, sessions, KEY)


async def test_a_withdrawn_membership_is_refused_at_once(sessions: Sessions, org: Org) -> None:
    token = (await sign_in(org.email, org.password, sessions, KEY)).token
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(delete(Member).where(Member.user_id == org.user_id))
        await unit.commit()
    with pytest.raises(NotSignedIn):
        await identify(token, by_database(sessions), KEY)
    with pytest.raises(SignInFailed):
        await sign_in(org.email, org.password, sessions, KEY)


async def rows_with(owner: AsyncEngine, org: Org) -> dict[str, int]:
    """Count, past row security, what is left of an organisation in every table."""
    left: dict[str, int] = {}
    async with owner.connect() as connection:
        columns = (
            await connection.execute(
                text("""SELECT table_name, column_name FROM information_schema.columns
                    JOIN pg_class ON relname = table_name AND relnamespace = current_schema()::regnamespace
                    WHERE table_schema = current_schema() AND NOT relispartition AND relkind IN ('r', 'p')
                    AND (column_name IN ('org_id', 'user_id') OR (table_name, column_name) IN
                        (('organisations', 'id'), ('users', 'id')))""")
            )
        ).all()
        for table, column in columns:
            found = await connection.scalar(
                text(f"SELECT count(*) FROM {table} WHERE {column} IN (:org, :user)"),  # noqa: S608 - the catalog's
                {"org": org.id, "user": org.user_id},
            )
            left[table] = left.get(table, 0) + int(found or 0)
    return left


async def test_deleting_an_organisation_removes_everything(
    resources: Resources, node: FakeNode, sessions: Sessions, redis: Redis, org: Org, postgres: PostgresAddresses
) -> None:
    other = await make_org(sessions)
    await fill(org, resources, redis)

    owner = open_engine(postgres.admin_url)
    try:
        before = await rows_with(owner, org)
        untouched = await rows_with(owner, other)
        full = {table for table, count in before.items() if count}
        assert full == set(before) - JOB_TABLES - MIGRATION_TABLES | {"dead_letters", "ledger_duties"}, (
            "every table has a row to lose"
        )
        await delete_organisation(org.id, sessions, by_database(sessions))
        assert {table: count for table, count in (await rows_with(owner, org)).items() if count} == {}
        assert await rows_with(owner, other) == untouched
    finally:
        await owner.dispose()


async def test_a_person_of_two_organisations_stays(sessions: Sessions, org: Org) -> None:
    second = await make_org(sessions)
    async with UnitOfWork(sessions, second.id) as unit:
        unit.session.add(Member(org_id=second.id, user_id=org.user_id, role="rep"))
        await unit.commit()
    await delete_organisation(org.id, sessions, by_database(sessions))
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    seen = await identify(signed_in.token, by_database(sessions), KEY)
    assert (seen.role, seen.org_id) == ("rep", second.id)
