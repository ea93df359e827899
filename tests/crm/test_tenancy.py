"""Row-level security, tried as the application's own role through SQL."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.billing.ledger import Ledger
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.resources import Resources
from crm.tenancy import IDENTITY_TABLES, JOB_TABLES, MIGRATION_TABLES, OWNERS_FUNCTIONS
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode

TENANT_TABLES = (
    "agents",
    "leads",
    "calls",
    "decisions",
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
)


@pytest.fixture
async def called(org: Org, resources: Resources, node: FakeNode) -> Org:
    """An organisation with rows in most tables."""
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    return org


async def test_every_table_is_a_tenants_or_a_listed_exception(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = (
            await connection.execute(
                text("""
                SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced, c.relispartition AS part,
                    (SELECT array_agg(a.attname ORDER BY k.n) FROM pg_index i
                     CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS k(attnum, n)
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                     WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
                    has_table_privilege(current_user, c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS granted
                FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
                """)
            )
        ).all()
    assert {row.relname for row in rows} >= {"leads", "leads_p0", "calls", "ledger_entries"}
    for row in rows:
        if row.relname in MIGRATION_TABLES | JOB_TABLES:
            assert not row.forced, row.relname
        elif row.part:
            assert row.forced, row.relname
            assert not row.granted, f"{row.relname}: a partition is reached through its parent only"
        else:
            assert row.forced, row.relname
            if row.relname not in IDENTITY_TABLES:
                assert row.key == ["org_id", "id"], row.relname


async def test_what_runs_as_the_owner_is_reviewed_and_nobody_elses(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        rows = (
            await connection.execute(
                text("""
                SELECT proname, proconfig, has_function_privilege(current_user, oid, 'EXECUTE') AS ours, EXISTS (
                    SELECT 1 FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) AS anybodys
                FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prosecdef
                """)
            )
        ).all()
    assert {row.proname for row in rows} == OWNERS_FUNCTIONS
    for row in rows:
        assert row.ours, row.proname
        assert not row.anybodys, row.proname
        # Names in it mean what they meant when it was made, whoever calls; temporary tables come last.
        path = next(setting for setting in row.proconfig if setting.startswith("search_path="))
        assert path.startswith("search_path=pg_catalog, "), row.proname
        assert path.endswith(", pg_temp"), row.proname


@pytest.mark.parametrize("table", [*TENANT_TABLES, "organisations", "members", "users"])
async def test_without_a_tenant_nothing_is_seen(table: str, called: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions) as unit:
        assert await unit.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 - constants
    async with UnitOfWork(sessions, called.id) as unit:
        assert await unit.session.scalar(text(f"SELECT count(*) FROM {table}")) > 0  # noqa: S608


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_another_organisations_rows_are_not_there(table: str, called: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        seen = text(f"SELECT count(*) FROM {table} WHERE org_id = :org")  # noqa: S608
        assert await unit.session.scalar(seen, {"org": called.id}) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leads SET name = 'stolen' WHERE org_id = :org",
        "UPDATE calls SET held = 0 WHERE org_id = :org",
        "UPDATE ledger_accounts SET balance = 0 WHERE org_id = :org",
        "DELETE FROM leads WHERE org_id = :org",
        "DELETE FROM organisations WHERE id = :org",
    ],
)
async def test_another_organisations_rows_cannot_be_changed(statement: str, called: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        changed = await unit.session.execute(text(statement), {"org": called.id})
        assert changed.rowcount == 0  # type: ignore[attr-defined]  # a cursor's result, not told by its type
        await unit.commit()
    async with UnitOfWork(sessions, called.id) as unit:
        assert await unit.session.scalar(text("SELECT name FROM leads")) == "Dana"


async def test_rows_cannot_be_put_into_another_organisation(org: Org, sessions: Sessions) -> None:
    other = await make_org(sessions)
    statement = text("INSERT INTO leads (org_id, id, name) VALUES (:org, gen_random_uuid(), 'x')")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with UnitOfWork(sessions, other.id) as unit:
            await unit.session.execute(statement, {"org": org.id})


@pytest.mark.parametrize("statement", ["SELECT * FROM leads_p0", "SELECT raw FROM dead_letters"])
async def test_what_is_not_granted_cannot_be_read(statement: str, org: Org, sessions: Sessions) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entries SET amount = 1", "DELETE FROM ledger_transactions", "UPDATE decisions SET allowed = true"],
)
async def test_the_books_are_only_written_forward(statement: str, org: Org, sessions: Sessions) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text(statement))


async def test_a_pooled_connection_forgets_its_tenant(org: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        first = await unit.session.scalar(text("SELECT pg_backend_pid()"))
        await Ledger(unit).balances()
        await unit.commit()
    async with UnitOfWork(sessions) as unit:
        assert await unit.session.scalar(text("SELECT pg_backend_pid()")) == first, "the same connection"
        assert await unit.session.scalar(text("SELECT current_setting('app.org', true)")) in (None, "")
        assert await unit.session.scalar(text("SELECT count(*) FROM leads")) == 0
