"""The consumer on real Redis and Postgres: effective once, whoever dies, whatever is away."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from crm.billing.model import AccountKind
from crm.bus import open_redis
from crm.call_events import EventConsumer
from crm.calls.model import EventCursor
from crm.database import Sessions, open_engine, open_sessions
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import (
    Closed,
    encode,
)
from salesos.embedded.postgres import PostgresAddresses
from salesos.embedded.redis import EmbeddedRedis
from tests.crm.cable import Cable
from tests.crm.call_story import EAGER, balances, call_of, mark_of
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, publish


class Died(Exception):
    """Stands for the end of the process at this very place."""


async def test_a_crash_before_the_commit_applies_nothing(
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish(redis, *script.events(EAGER))
    commits = 0
    real = UnitOfWork.commit

    async def dying(unit: UnitOfWork) -> None:
        nonlocal commits
        commits += 1
        if commits == 6:
            raise Died
        await real(unit)

    monkeypatch.setattr(UnitOfWork, "commit", dying)
    with pytest.raises(ExceptionGroup):
        await consumer.turn()
    monkeypatch.undo()
    assert (await call_of(sessions, script)).event_count == 4, "the lease, and four events"

    await _expire_leases(sessions)
    await EventConsumer(sessions, redis, block_ms=10).turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500


async def _expire_leases(sessions: Sessions) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(update(EventCursor).values(leased_until=datetime(2020, 1, 1, tzinfo=UTC)))
        await unit.commit()


async def test_a_crash_after_the_commit_is_made_good_by_the_repeat(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = script.events(EAGER)
    await publish(redis, *events)

    async def dying(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(consumer, "_tell", dying)
    with pytest.raises(ExceptionGroup):
        await consumer.turn()
    assert await mark_of(redis, script) is None
    await _expire_leases(sessions)
    await publish(redis, *events)  # the node has waited long enough, and sends again
    await EventConsumer(sessions, redis, block_ms=10).turn()
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"
    assert (await call_of(sessions, script)).event_count == len(EAGER)


async def test_two_consumers_never_apply_the_same(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    """One sleeps over its lease and wakes up after another has taken over: its step is refused."""
    other = EventConsumer(sessions, redis, block_ms=10)
    await consumer.turn()
    await other.turn()
    assert other._cursors == {}, "all streams are held"
    await _expire_leases(sessions)
    other._leased_at = float("-inf")
    await other._keep_leases()
    await publish(redis, *script.events(EAGER))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.turn())
        tasks.create_task(other.turn())
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert wire.event_stream(script.call_id) not in consumer._cursors
    assert wire.event_stream(script.call_id) in other._cursors


async def test_what_is_committed_is_trimmed(
    script: CallScript, sessions: Sessions, redis: Redis, consumer: EventConsumer
) -> None:
    consumer._trim_every_s = 0
    await publish(redis, *script.events(EAGER))
    stream = wire.event_stream(script.call_id)
    await consumer.turn()
    assert await redis.xlen(stream) == 1, "the entry at the cursor itself stays"
    await publish(redis, script.event(Closed()))
    assert await redis.xlen(stream) == 2


async def test_redis_away_and_back_with_less(
    sessions: Sessions, org: Org, script: CallScript, consumer: EventConsumer, tmp_path: Path
) -> None:
    """A Redis of its own that loses its data: reading goes on, and what the node sends again counts once."""
    server = EmbeddedRedis(tmp_path / "redis")
    client = open_redis(server.start())
    running = asyncio.get_running_loop().create_task(EventConsumer(sessions, client, block_ms=20).run())
    events = script.events(EAGER)
    try:
        await publish(client, *events[:5])
        await _until(sessions, script, 5)
        server.stop()
        for path in (tmp_path / "redis").rglob("appendonly*"):
            if path.is_file():
                path.unlink()
        server.start()
        # An older entry id than the cursor, as after a restore: it must be read all the same.
        for number, event in enumerate(events, 1):
            raw = encode(event)
            await client.xadd(wire.event_stream(script.call_id), {wire.EVENT_FIELD: raw}, id=f"{number}-0")
        await _until(sessions, script, len(EAGER))
        assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await client.aclose()
        server.stop()
    async with UnitOfWork(sessions) as unit:
        held = await unit.session.scalar(select(func.count()).where(EventCursor.owner.is_not(None)))
    assert held == 0, "streams are given up at the end"


async def test_postgres_away_and_back(
    postgres: PostgresAddresses, sessions: Sessions, script: CallScript, consumer: EventConsumer, redis: Redis
) -> None:
    parts = urlsplit(postgres.app_url)
    assert parts.port
    async with Cable(parts.port) as cable:
        engine = open_engine(postgres.app_url.replace(f":{parts.port}/", f":{cable.port}/"))
        running = asyncio.get_running_loop().create_task(EventConsumer(open_sessions(engine), redis, block_ms=20).run())
        try:
            events = script.events(EAGER)
            await publish(redis, *events[:5])
            await _until(sessions, script, 5)
            await cable.pull()
            await publish(redis, *events[5:])
            await asyncio.sleep(0.3)
            assert not running.done()
            assert (await call_of(sessions, script)).event_count == 5
            await cable.plug()
            await _until(sessions, script, len(EAGER))
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await engine.dispose()


async def _until(sessions: Sessions, script: CallScript, events: int, timeout_s: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (await call_of(sessions, script)).event_count < events:
        assert asyncio.get_running_loop().time() < deadline, "the events were not applied in time"
        await asyncio.sleep(0.02)
