"""Reads the calls' event streams from Redis into Postgres: delivered at least once, effective once.

Each stream is read by one process at a time, which holds its lease (calls.cursors). Entries are applied in batches,
one transaction for each organisation of a batch, and the stream's cursor moves in the last of them: a crash before it
has the batch read again, and what was applied is known by its place in its call and changes nothing. After the commit
the call's mark is set in Redis: below it a voice node may drop its journal, and below the cursor the stream is trimmed.

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
from crm.calls.batch import NotTogether, take_together
from crm.calls.cursors import FIRST, CursorStore, LeaseLost, entry_order
from crm.calls.intake import Entry, Mark, bury, is_away, take
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.call import Event
from events.ids import new_id

# Of each stream at a time. A batch is one transaction for each organisation in it, so a large one costs less an event;
# it holds the wallets that its calls are paid from for as long as it takes, which is some tens of milliseconds.
BATCH: Final = 256
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

    def position(self, stream: str) -> str | None:
        """Return the last entry of a stream that is applied and committed here; None while another reads it."""
        return self._cursors.get(stream)

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
        batch = [Entry(stream, entry_id, fields.get(wire.EVENT_FIELD, b"")) for entry_id, fields in entries]
        marks: dict[UUID, Mark] = {}
        async with self._limit:
            try:
                await self._apply(batch, marks)
            except LeaseLost:
                log.info("events.lease_lost", stream=stream)
                self._cursors.pop(stream, None)
            finally:
                # Also for what was committed before a failure.
                if marks:
                    await self._tell(list(marks.values()))

    async def _apply(self, batch: Sequence[Entry], marks: dict[UUID, Mark]) -> None:
        """Apply entries together where that can be, and else in halves: one bad event costs a few more steps.

        `marks` gets those of the calls that were committed.
        """
        if len(batch) == 1:
            await self._apply_entry(batch[0], marks)
        elif not await self._applied_together(batch, marks):
            middle = len(batch) // 2
            await self._apply(batch[:middle], marks)
            await self._apply(batch[middle:], marks)

    async def _applied_together(self, batch: Sequence[Entry], marks: dict[UUID, Mark]) -> bool:
        """Apply one transaction for each organisation; the last moves the cursor over all of them.

        Returns False when something has to be taken alone. What was committed by then is repeated without effect.
        """
        by_org: dict[UUID, list[Event]] = {}
        stream = batch[0].stream
        try:
            for entry in batch:
                event = happenings.decode(entry.raw)
                by_org.setdefault(event.org_id, []).append(event)
            for number, (org_id, events) in enumerate(by_org.items(), 1):
                until = batch[-1].id if number == len(by_org) else self._cursors.get(stream, FIRST)
                async with UnitOfWork(self._sessions, org_id) as unit:
                    await self._move(unit, stream, until)
                    taken = await take_together(events, unit)
                    await unit.commit()
                self._cursors[stream] = until
                marks.update((mark.call_id, mark) for mark in taken)
        except (happenings.Unreadable, NotTogether):
            return False
        except DBAPIError as error:
            if is_away(error):
                raise
            log.info("events.batch_split", stream=stream, entries=len(batch), error=type(error.orig).__name__)
            return False
        return True

    async def _apply_entry(self, entry: Entry, marks: dict[UUID, Mark]) -> None:
        """Apply one entry and move the cursor over it, in one transaction."""
        try:
            event = happenings.decode(entry.raw)
        except happenings.Unreadable as unreadable:
            async with UnitOfWork(self._sessions) as unit:
                await self._move(unit, entry.stream, entry.id)
                await bury(entry, unit, f"unreadable: {unreadable}")
                await unit.commit()
            self._cursors[entry.stream] = entry.id
            return
        async with UnitOfWork(self._sessions, event.org_id) as unit:
            await self._move(unit, entry.stream, entry.id)
            mark = await take(event, entry, unit)
            await unit.commit()
        self._cursors[entry.stream] = entry.id
        marks[mark.call_id] = mark

    async def _move(self, unit: UnitOfWork, stream: str, until: str) -> None:
        await CursorStore(unit, self._owner).move(stream, self._cursors.get(stream, FIRST), until)

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
