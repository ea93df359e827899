"""Events on their way from the calls to the CRM: journal on disk first, then Redis, then patience.

A call never waits: `put` takes an event into memory, and the outbox's one task does the rest in batches. Redis away:
events stay on disk and in memory, and go out on its return. An answer to XADD is no proof of durability, so a
journal is deleted only when the CRM's committed mark has passed its last event; one that is not committed in time is
published again from disk (the consumer knows what it has seen).
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import call as events
from events import wire
from telephony import journal
from telephony.journal import CallKey

log = structlog.get_logger()

BATCH_MAX: Final = 500
WAITING_MAX: Final = 50_000  # in memory, all calls; beyond, new calls are refused until it drains
REDIS_TIMEOUT_S: Final = 2.0
RETRY_S: Final = 1.0
GATHER_S: Final = 0.02  # what all calls say within it shares one wait for the disk
COMMIT_CHECK_S: Final = 1.0
REPUBLISH_AFTER_S: Final = 20.0
REPUBLISH_AFTER_MAX_S: Final = 300.0
STREAM_EVENTS_MAX: Final = 1_000_000  # a CRM away for days must not fill Redis; the journals still hold all


@dataclass(slots=True)
class _Open:
    """A call whose journal is on disk."""

    republish_after_s: float
    last: tuple[int, int] = (0, 0)  # (epoch, seq) of its newest event
    closed: bool = False
    republish_at: float = 0.0


@dataclass(slots=True)
class _Waiting:
    event: events.Event
    raw: bytes = field(default=b"")


class Outbox:
    """The process's one way out for events."""

    def __init__(self, folder: Path, client: redis.Redis, *, republish_after_s: float = REPUBLISH_AFTER_S) -> None:
        self._folder = folder
        self._redis = client
        self._republish_after_s = republish_after_s
        self._unwritten: deque[_Waiting] = deque()
        self._unpublished: deque[_Waiting] = deque()
        self._open: dict[CallKey, _Open] = {}
        self._awake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._taken = 0  # events, ever
        self._written = 0  # of them, through the journal
        self._progress = asyncio.Event()
        self.redis_up = True
        self.disk_ok = True

    @property
    def waiting(self) -> int:
        return len(self._unwritten) + len(self._unpublished)

    @property
    def overloaded(self) -> bool:
        return self.waiting > WAITING_MAX

    def put(self, event: events.Event) -> None:
        """Take an event; never waits."""
        self._unwritten.append(_Waiting(event, events.encode(event)))
        self._taken += 1
        self._idle.clear()
        self._awake.set()

    def adopt(self, key: CallKey, found: list[events.Event]) -> None:
        """Take over an earlier process's journal: publish it all again."""
        self._open[key] = _Open(self._republish_after_s)
        for event in found:
            self._note(event)
            self._unpublished.append(_Waiting(event, events.encode(event)))
        self._idle.clear()
        self._awake.set()

    async def journaled(self) -> bool:
        """Wait until all events taken so far are on disk; False when the disk refused some."""
        until = self._taken
        while self._written < until:
            self._progress.clear()
            await self._progress.wait()
        return self.disk_ok

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all events are on disk and in Redis; False when time ran out (the disk has them)."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Write, publish, check, until cancelled."""
        next_check = 0.0
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(COMMIT_CHECK_S):
                    await self._awake.wait()
            except TimeoutError:
                pass
            if self._unwritten:
                await asyncio.sleep(GATHER_S)
            self._awake.clear()
            await self._write()
            published = await self._publish()
            if loop.time() >= next_check:
                next_check = loop.time() + COMMIT_CHECK_S
                await self._forget_committed(loop.time())
            if not self._unwritten and not self._unpublished:
                self._idle.set()
            elif not published:
                await asyncio.sleep(RETRY_S)
                self._awake.set()
            else:
                self._awake.set()

    async def _write(self) -> None:
        """Journal what is new. On a disk fault events stay in memory, and are published all the same."""
        batch = list(islice(self._unwritten, BATCH_MAX))
        if not batch:
            return
        by_call: dict[CallKey, list[bytes]] = {}
        for item in batch:
            by_call.setdefault(journal.key_of(item.event), []).append(item.raw)
        paths = {key.path(self._folder): key for key in by_call}
        # One job for all calls: a thread's turn and a wait for the disk each would cost more than the writing.
        failed = await asyncio.to_thread(journal.append, {path: by_call[key] for path, key in paths.items()})
        for path, key in paths.items():
            if path not in failed:
                self._open.setdefault(key, _Open(self._republish_after_s))
        if failed and self.disk_ok:
            log.error("outbox.journal_failed", errno=next(iter(failed.values())).errno, calls=len(failed))
        self.disk_ok = not failed
        for item in batch:
            self._unwritten.popleft()
            self._note(item.event)
            self._unpublished.append(item)
        self._written += len(batch)
        self._progress.set()

    def _note(self, event: events.Event) -> None:
        open_ = self._open.get(journal.key_of(event))
        if open_ is not None:
            open_.last = max(open_.last, (event.epoch, event.seq))
            open_.closed = isinstance(event.body, events.Closed)
            open_.republish_at = asyncio.get_running_loop().time() + open_.republish_after_s

    async def _publish(self) -> bool:
        batch = list(islice(self._unpublished, BATCH_MAX))
        if not batch:
            return True
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                pipe = self._redis.pipeline(transaction=False)
                for item in batch:
                    stream = wire.event_stream(item.event.call_id)
                    pipe.xadd(stream, {wire.EVENT_FIELD: item.raw}, maxlen=STREAM_EVENTS_MAX, approximate=True)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            if self.redis_up:
                log.error("outbox.redis_away", reason=type(error).__name__, waiting=self.waiting)
            self.redis_up = False
            return False
        if not self.redis_up:
            log.info("outbox.redis_back", waiting=self.waiting)
        self.redis_up = True
        for _ in batch:
            self._unpublished.popleft()
        return True

    async def _forget_committed(self, now: float) -> None:
        """Delete the journals of closed calls that the CRM has; publish again what it has not got in time."""
        closed = [key for key, open_ in self._open.items() if open_.closed]
        if not closed or not self.redis_up:
            return
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                marks = await self._redis.mget([wire.committed_key(key.org_id, key.call_id) for key in closed])
        except (RedisError, OSError, TimeoutError):
            return
        for key, mark in zip(closed, marks, strict=True):
            open_ = self._open[key]
            if mark is not None and _parse_mark(mark) >= open_.last:
                await asyncio.to_thread(key.path(self._folder).unlink, missing_ok=True)
                del self._open[key]
            elif now >= open_.republish_at:
                open_.republish_after_s = min(open_.republish_after_s * 2, REPUBLISH_AFTER_MAX_S)
                await self._republish(key)

    async def _republish(self, key: CallKey) -> None:
        try:
            found = await asyncio.to_thread(journal.read, key.path(self._folder))
        except OSError as error:
            log.error("outbox.journal_unreadable", errno=error.errno)
            return
        log.warning("outbox.published_again", events=len(found))
        for event in found:
            self._note(event)
            self._unpublished.append(_Waiting(event, events.encode(event)))
        self._awake.set()


def _parse_mark(mark: bytes | str) -> tuple[int, int]:
    text = mark.decode() if isinstance(mark, bytes) else mark
    epoch, _, seq = text.partition(":")
    return int(epoch), int(seq)
