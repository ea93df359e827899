"""Events reach Redis once each, in order, through a Redis that goes away and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import redis.asyncio as redis

from events import call as events
from events import wire
from events.ids import new_id
from salesos.embedded.redis import EmbeddedRedis
from telephony import journal, outbox
from telephony.journal import CallKey
from telephony.outbox import Outbox


def event(key: CallKey, seq: int, body: events.Body | None = None, epoch: int = 1) -> events.Event:
    return events.Event(key.org_id, key.call_id, epoch, seq, datetime.now(UTC), body or events.Metered(seq))


def a_call() -> CallKey:
    return CallKey(new_id(), new_id())


@contextlib.asynccontextmanager
async def running(folder: Path, client: redis.Redis, patience_s: float = 20) -> AsyncGenerator[Outbox]:
    box = Outbox(folder, client, republish_after_s=patience_s)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(box.run())
        yield box
        task.cancel()


async def published(client: redis.Redis, call_id: UUID) -> list[events.Event]:
    entries: Any = await client.xrange(wire.event_stream(call_id))
    found = [events.decode(fields[wire.EVENT_FIELD]) for _, fields in entries]
    return [event for event in found if event.call_id == call_id]


async def until_gone(path: Path, timeout_s: float = 5) -> None:
    async with asyncio.timeout(timeout_s):
        while path.exists():  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(0.05)


async def test_events_are_journalled_and_published_in_order(redis_url: str, tmp_path: Path) -> None:
    key = a_call()
    async with redis.Redis.from_url(redis_url) as client, running(tmp_path, client) as box:
        sent = [event(key, seq) for seq in range(1, 1_201)]
        for item in sent:
            box.put(item)
        assert await box.drain(10)
        assert await published(client, key.call_id) == sent
        assert journal.read(key.path(tmp_path)) == sent


async def test_a_journal_goes_only_when_the_crm_has_committed_its_end(redis_url: str, tmp_path: Path) -> None:
    key = a_call()
    path = key.path(tmp_path)
    async with redis.Redis.from_url(redis_url) as client, running(tmp_path, client) as box:
        box.put(event(key, 1))
        box.put(event(key, 2, events.Closed()))
        assert await box.drain(5)
        await client.set(wire.committed_key(key.org_id, key.call_id), "1:1")
        await asyncio.sleep(outbox.COMMIT_CHECK_S * 2.5)
        assert path.exists()
        await client.set(wire.committed_key(key.org_id, key.call_id), "1:2")
        await until_gone(path)


async def test_redis_away_loses_nothing_and_holds_nobody_up(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "redis")
    url = server.start()
    key = a_call()
    (tmp_path / "journal").mkdir()
    client = redis.Redis.from_url(url, socket_connect_timeout=1)
    async with client, running(tmp_path / "journal", client) as box:
        box.put(event(key, 1))
        assert await box.drain(5)
        server.stop()
        for seq in range(2, 50):
            box.put(event(key, seq))
        assert not await box.drain(1.5)
        assert not box.redis_up
        assert len(journal.read(key.path(tmp_path / "journal"))) == 49
    # Redis comes back at another address with what it had on disk; the next process takes the journal over.
    url = server.start()
    try:
        async with redis.Redis.from_url(url) as client, running(tmp_path / "journal", client) as box:
            box.adopt(key, journal.read(key.path(tmp_path / "journal")))
            assert await box.drain(5)
            got = await published(client, key.call_id)
            assert {item.seq for item in got} == set(range(1, 50))
    finally:
        server.stop()


async def test_what_redis_lost_is_published_again(redis_url: str, tmp_path: Path) -> None:
    key = a_call()
    async with redis.Redis.from_url(redis_url) as client, running(tmp_path, client, 0.2) as box:
        box.put(event(key, 1))
        box.put(event(key, 2, events.Closed()))
        assert await box.drain(5)
        await client.delete(wire.event_stream(key.call_id))
        async with asyncio.timeout(10):
            while len(await published(client, key.call_id)) < 2:  # noqa: ASYNC110 - a stream is polled here
                await asyncio.sleep(0.1)


async def test_who_waits_for_the_disk_waits_for_all_that_was_said(redis_url: str, tmp_path: Path) -> None:
    key = a_call()
    async with redis.Redis.from_url(redis_url) as client, running(tmp_path, client) as box, asyncio.timeout(10):
        assert await box.journaled(), "nothing was said"
        for seq in range(1, 700):  # more than a batch
            box.put(event(key, seq))
        assert await box.journaled()
        assert len(journal.read(key.path(tmp_path))) == 699
        assert await box.drain(5)


async def test_a_full_disk_holds_up_neither_call_nor_crm(redis_url: str, tmp_path: Path) -> None:
    key = a_call()
    key.path(tmp_path).symlink_to("/dev/full")
    async with redis.Redis.from_url(redis_url) as client, running(tmp_path, client) as box:
        box.put(event(key, 1))
        assert await box.drain(5)
        disk = [box.disk_ok]
        assert len(await published(client, key.call_id)) == 1
        other = a_call()
        box.put(event(other, 1))
        assert await box.drain(5)
        assert [*disk, box.disk_ok] == [False, True], "what could be written was"
        assert len(journal.read(other.path(tmp_path))) == 1
