"""The pool of connections of a process (W15): 5 to 20, those beyond 5 closed when nobody took them for a while."""

import asyncio
from time import monotonic
from typing import Any, Final

import psycopg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

IDLE_S: Final = 30.0
REAP_EVERY_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 5.0
RETRY_S: Final = 0.2
# A server that starts anew is back within a second; one that is away is told of, not waited for.
RETRIES: Final = 3
_IDLE_SINCE: Final = "idle_since"


async def connect(*args: Any, **settings: Any) -> psycopg.AsyncConnection[Any]:
    """Connect, again after a while where the server does not answer.

    Raises:
        psycopg.OperationalError: it did not answer to the last try either.
    """
    for _ in range(RETRIES):
        try:
            return await psycopg.AsyncConnection.connect(*args, **settings)
        except psycopg.OperationalError:
            await asyncio.sleep(RETRY_S)
    return await psycopg.AsyncConnection.connect(*args, **settings)


class ReapedPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's own pool, used from its newest end, whose oldest connections can be closed."""

    def reap(self, now_s: float, least: int) -> int:
        """Close what nobody took for IDLE_S, and keep `least`; in a greenlet of SQLAlchemy's. Returns how many."""
        idle: list[ConnectionPoolEntry] = []
        while True:
            try:
                idle.append(self._pool.get(block=False))
            except Empty:
                break
        # The one that was given back last comes first.
        many = max(0, min(len(idle), self.size() + self._overflow - least))
        old = [
            one for one in idle[len(idle) - many :] if now_s - (one.record_info or {}).get(_IDLE_SINCE, now_s) > IDLE_S
        ]
        for one in reversed(idle):
            if one not in old:
                self._pool.put_nowait(one)
        for one in old:
            self._dec_overflow()
            one.close()
        return len(old)


def note_idle(engine: AsyncEngine) -> None:
    """Have the pool's connections know since when they lie there."""

    def checked_in(_connection: Any, record: ConnectionPoolEntry) -> None:
        if record.record_info is not None:
            record.record_info[_IDLE_SINCE] = monotonic()

    event.listen(engine.sync_engine, "checkin", checked_in)


async def reap_for_ever(engine: AsyncEngine, least: int) -> None:
    """Close idle connections while the process runs."""
    while True:
        await asyncio.sleep(REAP_EVERY_S)
        await reap(engine, least, monotonic())


async def reap(engine: AsyncEngine, least: int, now_s: float) -> int:
    """Close those that are idle now, and return how many."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, ReapedPool), "made by open_engine"
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            return int(await greenlet_spawn(pool.reap, now_s, least))
    except TimeoutError:
        # Out of the pool already; the kernel has the rest (tcp_user_timeout).
        return 0
