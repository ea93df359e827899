"""Reads the calls' event streams from Redis into Postgres: delivered at least once, effective once.

Each stream is read by one process at a time, which holds its lease (calls.cursors). What was read of all of them is
applied as one round (calls.rounds), in transactions of one organisation each; then the streams' cursors move. A crash
before that has the round read again, and what was applied is known by its place in its call and changes nothing. After
the commits the calls' marks are set in Redis: below them a voice node may drop its journal. Below the cursor a stream
is trimmed, after a while: until then a span of it can be replayed.

Redis or Postgres away: reading pauses and goes on where it was; the voice nodes' journals hold what comes.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from crm.bus import REDIS_AWAY, read_streams, server_run
from crm.calls.cursors import FIRST, CursorStore, entry_order
from crm.calls.intake import Entry, Mark
from crm.calls.rounds import Round
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events import wire
from events.ids import new_id

# Of each stream in one round. A round is at least one transaction for each organisation in it, so a large one costs
# less an event; all of it is read again after a crash.
BATCH: Final = 256
BLOCK_MS: Final = 500
LEASE_EVERY_S: Final = 1.5
TRIM_EVERY_S: Final = 30.0
# What is applied stays in Redis for so long, and so many entries of each stream at most, to be replayed.
KEPT_S: Final = 600.0
KEPT_MAX: Final = 20_000
RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 5.0
STOP_TIMEOUT_S: Final = 3.0

AWAY: Final = (*REDIS_AWAY, DBAPIError, PoolExhausted)

log = structlog.get_logger()


class EventConsumer:
    """One per process. `run` until cancelled."""

    def __init__(
        self,
        sessions: Sessions,
        redis: Redis,
        *,
        block_ms: int = BLOCK_MS,
        trim_every_s: float = TRIM_EVERY_S,
        kept_s: float = KEPT_S,
    ) -> None:
        self._sessions = sessions
        self._redis = redis
        self._block_ms = block_ms
        self._trim_every_s = trim_every_s
        self._kept_s = kept_s
        self._owner: UUID = new_id()
        self._cursors: dict[str, str] = {}  # of the streams we hold
        self._leased_at = float("-inf")
        self._trimmed_at = float("-inf")
        self._redis_run = ""  # which start of Redis the cursors were checked against

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
        if found:
            entries = (
                Entry(stream, entry_id, fields.get(wire.EVENT_FIELD, b""))
                for stream, some in found
                for entry_id, fields in some
            )
            await self._apply(entries, {stream: some[-1][0] for stream, some in found})
        await self._trim()

    async def _keep(self) -> None:
        """Hold on to the streams however long a round takes."""
        while True:
            await asyncio.sleep(LEASE_EVERY_S)
            async with UnitOfWork(self._sessions) as unit:
                await CursorStore(unit, self._owner).keep()
                await unit.commit()

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
                    lost = await CursorStore(unit, self._owner).move({stream: cursor}, {stream: FIRST})
                    await unit.commit()
                if lost:
                    del checked[stream]
                else:
                    checked[stream] = FIRST
        return checked

    async def _apply(self, entries: Iterable[Entry], until: Mapping[str, str]) -> None:
        """Apply a round, move the cursors over it, and say which calls are committed, also of a round that failed."""
        one = Round(self._sessions)
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep(), name="events.keep")
                await one.apply(entries)
                keeping.cancel()
            async with UnitOfWork(self._sessions) as unit:
                lost = await CursorStore(unit, self._owner).move(self._cursors, until)
                await unit.commit()
            self._cursors.update(until)
            for stream in lost:
                log.info("events.lease_lost", stream=stream)
                del self._cursors[stream]
        finally:
            if one.marks:
                await self._tell(one.marks.values())

    async def _tell(self, marks: Iterable[Mark]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for mark in marks:
                key = wire.committed_key(mark.org_id, mark.call_id)
                pipeline.set(key, f"{mark.epoch}:{mark.seq}", ex=wire.COMMITTED_TTL_S)
            await pipeline.execute()

    async def _trim(self) -> None:
        """Drop from Redis what is committed here, some time after."""
        now = asyncio.get_running_loop().time()
        if now - self._trimmed_at < self._trim_every_s:
            return
        self._trimmed_at = now
        # The ids of entries begin with the wall time at which Redis took them.
        kept = f"{int((time.time() - self._kept_s) * 1_000)}-0"
        for stream, cursor in self._cursors.items():
            if cursor == FIRST:
                continue
            await self._redis.xtrim(stream, minid=min(cursor, kept, key=entry_order), approximate=False)
            if await self._redis.xlen(stream) > KEPT_MAX:
                await self._redis.xtrim(stream, minid=cursor, approximate=False)
