"""Letters between waiting calls and pages that attend, across nodes: one Redis stream a node, read by its one task.

Within a node they go the same way. With Redis away letters are lost, and nobody is rung meanwhile: a ring ends by its
time, and whoever tried to take the caller is told to try again.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import wire
from telephony.queues import offers
from telephony.queues.offers import Letter
from telephony.stream_entries import entries_of

log = structlog.get_logger()

WAITING_MAX: Final = 1_000  # letters that Redis has not taken; of more the oldest are lost
REDIS_TIMEOUT_S: Final = 2.0
READ_BLOCK_MS: Final = 1_000
READ_MAX: Final = 200
RETRY_S: Final = 0.5
START_TRIES_S: Final = 0.2


class Post:
    """One node's. `send` never waits; `run` is its task; `take` gets each letter that comes."""

    def __init__(self, node: str, client: redis.Redis, take: Callable[[Letter], None]) -> None:
        self.node = node
        self.lost = 0  # letters
        self._redis = client
        self._take = take
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()

    def send(self, node: str, letter: Letter) -> None:
        """Have a letter brought to a node, this one too."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append((node, offers.write(letter)))
        self._filled.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(), name="seats.write")
            tasks.create_task(self._read(), name="seats.read")

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            taken = list(self._waiting)
            self._waiting.clear()
            pipe = self._redis.pipeline(transaction=False)
            for node, raw in taken:
                key = wire.seats_stream(node)
                pipe.xadd(key, {wire.SEATS_FIELD: raw}, maxlen=wire.SEATS_KEPT, approximate=True)
                pipe.expire(key, wire.SEATS_TTL_S)
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await pipe.execute()
            except (RedisError, OSError, TimeoutError) as error:
                # Not sent again: what was offered some seconds ago is not true any more.
                self.lost += len(taken)
                log.warning("seats.letters_lost", letters=len(taken), reason=type(error).__name__)

    async def _read(self) -> None:
        last = await self._end_of_stream()
        key = wire.seats_stream(self.node)
        while True:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S + READ_BLOCK_MS / 1_000):
                    found: Any = await self._redis.xread({key: last}, count=READ_MAX, block=READ_BLOCK_MS)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("seats.unreadable", reason=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            for _, entries in entries_of(found):
                for entry_id, fields in entries:
                    last = entry_id
                    self._open(fields.get(wire.SEATS_FIELD, b""))

    def _open(self, raw: bytes) -> None:
        try:
            letter = offers.read(raw)
        except offers.Unreadable as error:
            log.error("seats.letter_unreadable", reason=str(error))
            return
        self._take(letter)

    async def _end_of_stream(self) -> bytes:
        """Return the place behind what an earlier process of this name was sent."""
        while True:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    newest: Any = await self._redis.xrevrange(wire.seats_stream(self.node), count=1)
                return bytes(newest[0][0]) if newest else b"0"
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(START_TRIES_S)
