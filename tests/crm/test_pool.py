"""The pool of connections: never more than 20, those beyond 5 closed after a while, and a second try to connect."""

import asyncio
from time import monotonic

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.database import POOL_MAX, POOL_MIN, open_engine
from crm.pool import IDLE_S, RETRY_S, ReapedPool, connect, reap
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.cable import Cable


async def used(engine: AsyncEngine, many: int) -> None:
    """Take so many connections at a time, and give them back."""
    held = [await engine.connect() for _ in range(many)]
    for connection in held:
        await connection.close()


def pool_of(engine: AsyncEngine) -> ReapedPool:
    pool = engine.sync_engine.pool
    assert isinstance(pool, ReapedPool)
    return pool


async def test_idle_connections_are_closed_down_to_the_least(engine: AsyncEngine) -> None:
    await used(engine, 12)
    assert pool_of(engine).checkedin() == 12
    assert await reap(engine, POOL_MIN, monotonic()) == 0, "nobody has waited long enough"
    later = monotonic() + IDLE_S + 1
    async with engine.connect() as busy:
        assert await reap(engine, POOL_MIN, later) == 7
        assert (pool_of(engine).checkedin(), pool_of(engine).checkedout()) == (4, 1)
        assert await busy.scalar(text("SELECT 1")) == 1
    assert await reap(engine, POOL_MIN, later + IDLE_S) == 0
    # The closed ones can be made again, and not one more.
    await used(engine, POOL_MAX)
    assert pool_of(engine).checkedin() == POOL_MAX


async def test_what_is_in_use_all_the_time_is_one_connection(engine: AsyncEngine) -> None:
    await used(engine, 3)
    seen = set()
    for _ in range(5):
        async with engine.connect() as connection:
            seen.add(await connection.scalar(text("SELECT pg_backend_pid()")))
    assert len(seen) == 1, "the newest is taken, so that the others get old"


async def test_a_server_that_comes_back_is_waited_for(postgres: PostgresAddresses) -> None:
    port = make_url(postgres.app_url).port
    assert port is not None
    async with Cable(port) as cable, asyncio.TaskGroup() as tasks:
        engine = open_engine(postgres.app_url.replace(f":{port}/", f":{cable.port}/"))
        await cable.pull()

        async def mend() -> None:
            await asyncio.sleep(RETRY_S / 2)
            await cable.plug()

        tasks.create_task(mend(), name="test.mend")
        try:
            async with engine.connect() as connection:
                assert await connection.scalar(text("SELECT 1")) == 1
        finally:
            await engine.dispose()


async def test_a_server_that_is_away_is_told_of(unused_tcp_port: int) -> None:
    with pytest.raises(psycopg.OperationalError):
        await connect(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none")
