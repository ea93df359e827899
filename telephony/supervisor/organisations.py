"""All live calls of an organisation as one stream, whichever nodes hold them: the Redis stream `live:{org}`.

Nodes write what their calls tell; a node with somebody who follows an organisation reads its stream, once for all of
them. An entry's id is the place to go on from. It is a window, not a record: some thousand entries of the last hour.
With Redis away nothing comes, and what does not fit the queue meanwhile is lost and counted: calls go on.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import wire
from telephony.people.figures import PeopleFigures
from telephony.stream_entries import Entries, entries_of
from telephony.supervisor.messages import org_message

log = structlog.get_logger()

WAITING_MAX: Final = 5_000  # entries that Redis has not taken
FLUSH_S: Final = 0.1
REDIS_TIMEOUT_S: Final = 2.0
READ_BLOCK_MS: Final = 250  # who begins to follow waits as long at most
READ_MAX: Final = 500
RETRY_S: Final = 1.0
_START: Final = (0, 0)

EntryId = tuple[int, int]


class BadPlace(ValueError):
    """Not an entry's id: milliseconds, a hyphen, a number."""


@dataclass(slots=True)
class _Follower:
    org_id: UUID
    tell: Callable[[bytes], None]
    last: EntryId


class Organisations:
    """One process's. `publish` and `follow` never wait; `run` is its task."""

    def __init__(self, client: redis.Redis, figures: PeopleFigures) -> None:
        self._redis = client
        self._figures = figures
        self._waiting: deque[tuple[UUID, bytes]] = deque(maxlen=WAITING_MAX)
        self._followers: dict[str, _Follower] = {}
        self._followed = asyncio.Event()

    def publish(self, org_id: UUID, packed: bytes) -> None:
        """Take what goes into an organisation's stream; when too many wait, the oldest is dropped."""
        self._figures.live_dropped += len(self._waiting) == WAITING_MAX
        self._waiting.append((org_id, packed))

    def follow(self, name: str, org_id: UUID, after: str, tell: Callable[[bytes], None]) -> None:
        """Tell somebody what stands in an organisation's stream behind `after` (empty: all of it), and what comes.

        Raises:
            BadPlace: `after` is not an id of that stream's.
        """
        self._followers[name] = _Follower(org_id, tell, read_id(after))
        self._followed.set()

    def unfollow(self, name: str) -> None:
        self._followers.pop(name, None)
        if not self._followers:
            self._followed.clear()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write(), name="live.write")
            tasks.create_task(self._read(), name="live.read")

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            if not self._waiting:
                continue
            taken = list(self._waiting)
            self._waiting.clear()
            pipe = self._redis.pipeline(transaction=False)
            for org_id, packed in taken:
                pipe.xadd(wire.live_stream(org_id), {wire.LIVE_FIELD: packed}, maxlen=wire.LIVE_KEPT, approximate=True)
            for org_id in {org_id for org_id, _ in taken}:
                pipe.expire(wire.live_stream(org_id), wire.LIVE_TTL_S)
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await pipe.execute()
            except (RedisError, OSError, TimeoutError) as error:
                # Not tried again: a part may stand there, and nobody needs old news twice.
                self._figures.live_dropped += len(taken)
                log.warning("live.not_published", entries=len(taken), reason=type(error).__name__)

    async def _read(self) -> None:
        while True:
            await self._followed.wait()
            places = self._places()
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S + READ_BLOCK_MS / 1_000):
                    found: Any = await self._redis.xread(places, count=READ_MAX, block=READ_BLOCK_MS)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("live.unreadable", reason=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            for key, entries in entries_of(found):
                self._hand_on(key.decode(), entries)

    def _places(self) -> dict[Any, Any]:
        """Return for each stream the place behind which somebody has not been told."""
        places: dict[str, EntryId] = {}
        for follower in self._followers.values():
            key = wire.live_stream(follower.org_id)
            places[key] = min(places.get(key, follower.last), follower.last)
        return {key: f"{place[0]}-{place[1]}" for key, place in places.items()}

    def _hand_on(self, key: str, entries: Entries) -> None:
        for raw_id, fields in entries:
            place = read_id(raw_id.decode())
            waiting = [
                one for one in self._followers.values() if wire.live_stream(one.org_id) == key and one.last < place
            ]
            try:
                message = org_message(raw_id.decode(), fields.get(wire.LIVE_FIELD, b""))
            except msgspec.MsgspecError:
                log.error("live.entry_unreadable", entry=raw_id.decode())
                message = b""
            for follower in waiting:
                follower.last = place
                if message:
                    follower.tell(message)


def read_id(text: str) -> EntryId:
    """Return an entry's id; the start for nothing. Raises BadPlace."""
    if not text:
        return _START
    milliseconds, hyphen, number = text.partition("-")
    if not (hyphen and _is_number(milliseconds) and _is_number(number)):
        raise BadPlace("`after` is no place in the stream: take an `id` that came with a message, or leave it empty")
    return int(milliseconds), int(number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20
