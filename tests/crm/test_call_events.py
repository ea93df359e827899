"""The consumer on real Redis and Postgres: effective once, whoever dies, whatever is away."""

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from crm import call_events
from crm.billing.model import AccountKind
from crm.bus import end_tasks, newest_entry, open_redis
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import CallEvent, DeadLetter, EventCursor
from crm.database import Sessions, open_engine, open_sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import (
    Closed,
    encode,
)
from salesos.embedded.postgres import PostgresAddresses
from salesos.embedded.redis import EmbeddedRedis
from tests.crm.cable import Cable
from tests.crm.call_story import EAGER, balances, call_of, mark_of, rows
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish


class Died(Exception):
    """Stands for the end of the process at this very place."""


def _die_at_commit(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0
    real = UnitOfWork.commit

    async def dying(unit: UnitOfWork) -> None:
        nonlocal commits
        commits += 1
        if commits == number:
            raise Died
        await real(unit)

    monkeypatch.setattr(UnitOfWork, "commit", dying)


async def test_a_crash_before_the_commit_applies_nothing(
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish(redis, *script.events(EAGER))
    _die_at_commit(2, monkeypatch)  # after the lease
    with pytest.raises(ExceptionGroup):
        await consumer.turn()
    monkeypatch.undo()
    assert (await call_of(sessions, script)).event_count == 0

    await _expire_leases(sessions)
    await EventConsumer(sessions, redis, block_ms=10).turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500


async def test_a_crash_between_the_effects_and_the_cursor_applies_nothing_twice(
    resources: Resources,
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both organisations' parts of a round are committed, and the cursor, which moves after them, is not."""
    neighbour = await make_org(sessions)
    answer = await resources.dialler.dial(DialRequest(lead_id=neighbour.lead_id), neighbour.id)
    other = CallScript(neighbour.id, answer.call_id)
    stream = wire.event_stream(script.call_id)
    for pair in zip(script.events(EAGER), other.events(EAGER), strict=True):
        for event in pair:
            await redis.xadd(stream, {wire.EVENT_FIELD: encode(event)})
    _die_at_commit(4, monkeypatch)
    with pytest.raises(Died):
        await consumer.turn()
    monkeypatch.undo()
    assert [(await call_of(sessions, each)).event_count for each in (script, other)] == [len(EAGER)] * 2

    await _expire_leases(sessions)
    again = EventConsumer(sessions, redis, block_ms=10)
    await again.turn()
    assert again.position(stream) == await newest_entry(redis, stream)
    for each, owner in ((script, org), (other, neighbour)):
        assert (await call_of(sessions, each)).event_count == len(EAGER)
        assert (await balances(sessions, owner))[AccountKind.REVENUE] == 2500
        assert len(await rows(sessions, owner, CallEvent)) == len(EAGER)


async def test_one_bad_event_among_many_is_found_and_set_aside(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stream = wire.event_stream(script.call_id)
    for number, event in enumerate(script.events(EAGER)):
        if number == 5:
            await redis.xadd(stream, {wire.EVENT_FIELD: b"\xc1garbage"})
        await redis.xadd(stream, {wire.EVENT_FIELD: encode(event)})
    await consumer.turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    async with UnitOfWork(sessions) as unit:
        newest = select(DeadLetter.cause).where(DeadLetter.stream == stream).order_by(DeadLetter.id.desc()).limit(1)
        assert (await unit.session.scalar(newest) or "").startswith("unreadable")
    assert consumer._cursors[stream] == (await newest_entry(redis, stream))


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
    with pytest.raises(Died):
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


async def test_what_is_committed_is_trimmed_after_a_while(
    script: CallScript, sessions: Sessions, redis: Redis, consumer: EventConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer._trim_every_s = 0
    events = script.events(EAGER)
    await publish(redis, *events)
    stream = wire.event_stream(script.call_id)
    await consumer.turn()
    assert await redis.xlen(stream) == len(EAGER), "to be replayed"
    monkeypatch.setattr(call_events, "KEPT_MAX", len(EAGER) - 1)
    await consumer.turn()
    assert await redis.xlen(stream) == 1, "there are too many; the entry at the cursor itself stays"
    monkeypatch.undo()
    consumer._kept_s = -10
    await publish(redis, script.event(Closed()), script.event(Closed()))
    await consumer.turn()
    assert await redis.xlen(stream) == 1, "their time is over"
    await publish(redis, script.event(Closed()))
    await consumer._trim()
    assert await redis.xlen(stream) == 2, "what is not applied stays in any case"


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
        await end_tasks([running])
        await client.aclose()
        server.stop()
    async with UnitOfWork(sessions) as unit:
        held = await unit.session.scalar(select(func.count()).where(EventCursor.owner.is_not(None)))
    assert held == 0, "streams are given up at the end"


async def test_redis_killed_under_load(
    resources: Resources, node: FakeNode, sessions: Sessions, consumer: EventConsumer, tmp_path: Path
) -> None:
    """Killed three times while calls are told; what is not marked as committed is sent again, as a node does."""
    owners = [await make_org(sessions) for _ in range(3)]
    scripts = []
    for owner in owners:
        answer = await resources.dialler.dial(DialRequest(lead_id=owner.lead_id), owner.id)
        scripts.append(CallScript(owner.id, answer.call_id))
    told = {script.call_id: script.events(EAGER) for script in scripts}
    server = EmbeddedRedis(tmp_path / "redis")
    client = open_redis(server.start())
    running = asyncio.get_running_loop().create_task(EventConsumer(sessions, client, block_ms=20).run())
    try:
        for number in range(3):
            for script in scripts:
                # From the beginning each time, and further: much of it is there already.
                await publish(client, *told[script.call_id][: (number + 1) * 5])
            os.kill(server.pid, signal.SIGKILL)
            server.start()
        for script in scripts:
            await publish(client, *told[script.call_id])
            await _until(sessions, script, len(EAGER))
    finally:
        await end_tasks([running])
        await client.aclose()
        server.stop()
    for script, owner in zip(scripts, owners, strict=True):
        assert (await call_of(sessions, script)).event_count == len(EAGER)
        assert (await balances(sessions, owner))[AccountKind.REVENUE] == 2500
        assert len(await rows(sessions, owner, CallEvent)) == len(EAGER)


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
            await end_tasks([running])
            await engine.dispose()


async def _until(sessions: Sessions, script: CallScript, events: int, timeout_s: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (await call_of(sessions, script)).event_count < events:
        assert asyncio.get_running_loop().time() < deadline, "the events were not applied in time"
        await asyncio.sleep(0.02)
