"""Reads the calls' event streams from Redis into Postgres: delivered at least once, effective once.

Each stream is read by one process at a time, which holds its lease (calls.cursors). An entry's effects and the
stream's cursor are one transaction, so that a crash between the two cannot happen. After the commit the call's
mark is set in Redis: below it a voice node may drop its journal, and below the cursor the stream is trimmed.

Redis or Postgres away: reading pauses and goes on where it was; the voice nodes' journals hold what comes.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from crm.bus import REDIS_AWAY, read_streams, server_run
from crm.calls.cursors import FIRST, CursorStore, LeaseLost, entry_order
from crm.calls.intake import Entry, Mark, bury, take
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.ids import new_id

BATCH: Final = 64
BLOCK_MS: Final = 500
LEASE_EVERY_S: Final = 1.5
# Streams applied at once: a part of the pool, the rest is for people.
STREAMS_AT_ONCE: Final = 4
TRIM_EVERY_S: Final = 30.0
RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
STOP_TIMEOUT_S: Final = 3.0

AWAY: Final = (*REDIS_AWAY, DBAPIError, PoolExhausted)

log = structlog.get_logger()


class EventConsumer:
    """One per process. `run` until cancelled."""

    def __init__(
        self, sessions: Sessions, redis: Redis, *, block_ms: int = BLOCK_MS, trim_every_s: float = TRIM_EVERY_S
    ) -> None:
        self._sessions = sessions
        self._redis = redis
        self._block_ms = block_ms
        self._trim_every_s = trim_every_s
        self._owner: UUID = new_id()
        self._cursors: dict[str, str] = {}  # of the streams we hold
        self._leased_at = float("-inf")
        self._trimmed_at = float("-inf")
        self._redis_run = ""  # which start of Redis the cursors were checked against
        self._limit = asyncio.Semaphore(STREAMS_AT_ONCE)

    async def run(self) -> None:
        """Read and apply until cancelled; gives its streams up at the end."""
        delay_s = RETRY_MIN_S
        told = False
        try:
            while True:
                failure: BaseException | None = None
                try:
                    await self.turn()
                except* AWAY as group:
                    failure = group.exceptions[0]
                if failure is None:
                    if told:
                        log.info("events.resumed")
                    delay_s, told = RETRY_MIN_S, False
                    continue
                self._forget()
                if not told:
                    log.warning("events.paused", error=type(failure).__name__)
                    told = True
                await asyncio.sleep(delay_s)
                delay_s = min(RETRY_MAX_S, delay_s * 2)
        finally:
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(STOP_TIMEOUT_S), UnitOfWork(self._sessions) as unit:
                    await CursorStore(unit, self._owner).give_up()
                    await unit.commit()

    async def turn(self) -> None:
        """Lease what is free, read what has come, apply it, and tell the voice nodes."""
        await self._keep_leases()
        if not self._cursors:
            await asyncio.sleep(self._block_ms / 1000)
            return
        found = await read_streams(self._redis, self._cursors, count=BATCH, block_ms=self._block_ms)
        async with asyncio.TaskGroup() as tasks:
            for stream, entries in found:
                tasks.create_task(self._apply_stream(stream, entries), name="events.apply")
        await self._trim()

    def _forget(self) -> None:
        """Start over from what Postgres says: the failed step may or may not have been committed."""
        self._cursors = {}
        self._leased_at = float("-inf")
        self._redis_run = ""

    async def _keep_leases(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._leased_at < LEASE_EVERY_S:
            return
        async with UnitOfWork(self._sessions) as unit:
            held = dict(await CursorStore(unit, self._owner).lease())
            await unit.commit()
        taken = held.keys() - self._cursors.keys()
        # Another server answers after a restart or a failover, perhaps without our ever noticing its absence.
        redis_run = await server_run(self._redis)
        if taken or redis_run != self._redis_run:
            held = await self._without_lost_data(held)
        if taken:
            log.info("events.leased", streams=len(held))
        self._cursors = held
        self._leased_at = now
        self._redis_run = redis_run

    async def _without_lost_data(self, cursors: dict[str, str]) -> dict[str, str]:
        """Put a cursor back to the start when its stream ends before it: Redis has lost data.

        What is read again changes nothing; what was not committed the voice nodes send again.
        """
        checked: dict[str, str] = {}
        for stream, cursor in cursors.items():
            checked[stream] = cursor
            if cursor == FIRST:
                continue
            try:
                info = await self._redis.xinfo_stream(stream)
            except ResponseError:
                continue  # no such stream: the ids of a new one are later than the cursor
            last = info["last-generated-id"].decode()
            if entry_order(last) < entry_order(cursor):
                log.warning("events.stream_shortened", stream=stream)
                async with UnitOfWork(self._sessions) as unit:
                    await CursorStore(unit, self._owner).move(stream, cursor, FIRST)
                    await unit.commit()
                checked[stream] = FIRST
        return checked

    async def _apply_stream(self, stream: str, entries: Sequence[tuple[str, dict[bytes, bytes]]]) -> None:
        marks: dict[UUID, Mark] = {}
        async with self._limit:
            try:
                for entry_id, fields in entries:
                    entry = Entry(stream, entry_id, fields.get(wire.EVENT_FIELD, b""))
                    mark = await self._apply_entry(entry)
                    if mark is not None:
                        marks[mark.call_id] = mark
            except LeaseLost:
                log.info("events.lease_lost", stream=stream)
                self._cursors.pop(stream, None)
            finally:
                # Also for what was committed before a failure.
                if marks:
                    await self._tell(list(marks.values()))

    async def _apply_entry(self, entry: Entry) -> Mark | None:
        """Apply one entry and move the cursor over it, in one transaction."""
        try:
            event = happenings.decode(entry.raw)
        except happenings.Unreadable as unreadable:
            async with UnitOfWork(self._sessions) as unit:
                await self._move(unit, entry)
                await bury(entry, unit, f"unreadable: {unreadable}")
                await unit.commit()
            self._cursors[entry.stream] = entry.id
            return None
        async with UnitOfWork(self._sessions, event.org_id) as unit:
            await self._move(unit, entry)
            mark = await take(event, entry, unit)
            await unit.commit()
        self._cursors[entry.stream] = entry.id
        return mark

    async def _move(self, unit: UnitOfWork, entry: Entry) -> None:
        await CursorStore(unit, self._owner).move(entry.stream, self._cursors.get(entry.stream, FIRST), entry.id)

    async def _tell(self, marks: Sequence[Mark]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for mark in marks:
                key = wire.committed_key(mark.org_id, mark.call_id)
                pipeline.set(key, f"{mark.epoch}:{mark.seq}", ex=wire.COMMITTED_TTL_S)
            await pipeline.execute()

    async def _trim(self) -> None:
        """Drop from Redis what is committed here."""
        now = asyncio.get_running_loop().time()
        if now - self._trimmed_at < self._trim_every_s:
            return
        self._trimmed_at = now
        for stream, cursor in self._cursors.items():
            if cursor != FIRST:
                await self._redis.xtrim(stream, minid=cursor, approximate=False)
