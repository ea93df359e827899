"""Who attends at this node, and who of its people is in a call: kept in Redis, which forgets a node that dies.

A page of the same person's that came later, at whichever node, takes the place of the one before. With Redis away
nobody is shown as ready and nobody is rung; all stands again with the next refresh after it is back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol
from uuid import UUID

import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import attendance, wire
from events.attendance import SeatReport

log = structlog.get_logger()

REFRESH_S: Final = 1.5  # a fourth of wire.SEAT_TTL_S: two that fail do no harm
REDIS_TIMEOUT_S: Final = 1.5

Person = tuple[UUID, UUID]  # organisation and user

# A page may keep its place while no other page has it: KEYS[1], ARGV seat, report, seconds.
_KEEP: Final = """
local there = redis.call('GET', KEYS[1])
if there and not string.find(there, ARGV[1], 1, true) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
# Gone only if it is still theirs: KEYS[1], ARGV what it holds (or begins with, or has in it).
_DROP: Final = """
local there = redis.call('GET', KEYS[1])
if there and string.find(there, ARGV[1], 1, true) then return redis.call('DEL', KEYS[1]) end
return 0
"""


class AttendingPage(Protocol):
    """A page that attends, as it is told of in Redis."""

    @property
    def person(self) -> Person: ...

    @property
    def report(self) -> SeatReport: ...

    def replaced(self) -> None:
        """Another page of theirs attends now."""


class Attendance:
    """One node's. `open`, `changed` and `close` never wait; `run` is its task."""

    def __init__(self, client: redis.Redis, talking: Callable[[], Iterable[tuple[Person, UUID]]]) -> None:
        """`talking`: who is in which call of this node."""
        self._redis = client
        self._talking = talking
        self._pages: dict[UUID, AttendingPage] = {}  # by their seat
        self._fresh: set[UUID] = set()  # that Redis has not been told of
        self._gone: list[AttendingPage] = []
        self._talked: dict[Person, UUID] = {}
        self._due = asyncio.Event()

    def __len__(self) -> int:
        return len(self._pages)

    def find(self, seat: UUID) -> AttendingPage | None:
        return self._pages.get(seat)

    def open(self, page: AttendingPage) -> None:
        self._pages[page.report.seat] = page
        self._fresh.add(page.report.seat)
        self._due.set()

    def changed(self) -> None:
        """A page is ready or not now, or somebody came to a call or left one: tell it at once."""
        self._due.set()

    def close(self, page: AttendingPage) -> None:
        if self._pages.pop(page.report.seat, None) is not None:
            self._fresh.discard(page.report.seat)
            self._gone.append(page)
            self._due.set()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await self._tell()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("attendance.not_told", pages=len(self._pages), reason=type(error).__name__)
                await asyncio.sleep(REFRESH_S)

    async def _tell(self) -> None:
        pipe = self._redis.pipeline(transaction=False)
        pages, gone, fresh = list(self._pages.values()), list(self._gone), set(self._fresh)
        for page in pages:
            key, report = wire.seat_key(*page.person), page.report
            if report.seat in fresh:  # the newest page has the place
                pipe.set(key, attendance.write(report), ex=wire.SEAT_TTL_S)
            else:
                pipe.eval(_KEEP, 1, key, str(report.seat), attendance.write(report), wire.SEAT_TTL_S)
        talking = dict(self._talking())
        for person, call_id in talking.items():
            pipe.set(wire.occupied_key(*person), attendance.talking(call_id), ex=wire.SEAT_TTL_S)
        over = {person: call_id for person, call_id in self._talked.items() if person not in talking}
        for person, call_id in over.items():
            pipe.eval(_DROP, 1, wire.occupied_key(*person), attendance.talking(call_id))
            pipe.set(wire.idle_key(*person), f"{time.time():.3f}", ex=wire.IDLE_TTL_S)
        for page in gone:
            pipe.eval(_DROP, 1, wire.seat_key(*page.person), str(page.report.seat))
        told = await pipe.execute()
        self._talked = talking
        self._fresh -= fresh
        self._gone = self._gone[len(gone) :]
        for page, stays in zip(pages, told, strict=False):
            if not stays:
                page.replaced()


async def claim(client: redis.Redis, person: Person, call_id: UUID) -> bool:
    """Ring somebody for a call, unless they are occupied: their key is ours for some seconds. Raises RedisError…"""
    key = wire.occupied_key(*person)
    return bool(await client.set(key, attendance.ringing(call_id), nx=True, ex=wire.SEAT_TTL_S))


def keep(pipe: "redis.client.Pipeline", person: Person, call_id: UUID) -> None:
    """Let a claim of ours go on, in a pipeline."""
    mine = attendance.ringing(call_id)
    pipe.eval(_KEEP, 1, wire.occupied_key(*person), mine, mine, wire.SEAT_TTL_S)


def release(pipe: "redis.client.Pipeline", person: Person, call_id: UUID) -> None:
    """Give a claim of ours back, in a pipeline; what somebody else has there stays."""
    pipe.eval(_DROP, 1, wire.occupied_key(*person), attendance.ringing(call_id))
