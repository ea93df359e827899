"""An organisation of many rows, and how Postgres goes about asking for some of them as the application's own role."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
from sqlalchemy import ClauseElement, text
from sqlalchemy.dialects import postgresql

from crm.database import open_engine, open_sessions
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org

# Enough that reading all of them is dearer than any index.
MANY = 3_000

Fill = Callable[[Org, UnitOfWork], Awaitable[object]]


def make_crowd(postgres: PostgresAddresses, fill: Fill, *tables: str) -> Org:
    """Return an organisation that `fill` has filled, beside another one like it, once the planner knows of both."""
    org = asyncio.run(_make_two(postgres.app_url, fill))
    with psycopg.connect(postgres.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(f"ANALYZE {', '.join(tables)}".encode())
    return org


async def _make_two(app_url: str, fill: Fill) -> Org:
    engine = open_engine(app_url)
    sessions = open_sessions(engine)
    orgs = [await make_org(sessions) for _ in range(2)]
    for org in orgs:
        async with UnitOfWork(sessions, org.id) as unit:
            await fill(org, unit)
            await unit.commit()
    await engine.dispose()
    return orgs[0]


async def plan_of(statement: ClauseElement, unit: UnitOfWork) -> str:
    """Return the plan of a statement with its values in it."""
    await unit.session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's is not typed
    told = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    plan = await unit.session.execute(text(f"EXPLAIN {told}".replace(":", "\\:")))
    return "\n".join(plan.scalars().all())
