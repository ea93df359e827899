"""One answer of a model as a Redis Stream: any CRM process can serve it, and a reader goes on where it broke off.

| key | kind | what |
|---|---|---|
| `answers:{org}:{answer}` | stream, fields `k` (kind) and `d` (JSON), 10 min | its events, numbered 1-0, 2-0… |
| `answers:{org}:{answer}:maker` | string, 15 s | there while somebody makes it; `stop` asks them not to |
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from crm.bus import read_streams

KEPT_S: Final = 600
MAKER_TTL_S: Final = 15
READ_MAX: Final = 200
_GO_ON: Final = b"go on"
_STOP: Final = b"stop"
# Redis refuses an entry that is not above the last one, so an entry whose answer was lost on the way is not doubled.
_ALREADY_THERE: Final = "equal or smaller"


class Kind(StrEnum):
    STARTED = "started"
    TEXT = "text"  # {text}
    TOOL_CALL = "tool_call"  # {name, arguments}
    FINISH = "finish"  # {reason}: the model's own word on why it ended
    DONE = "done"
    FAILED = "failed"  # {reason}
    RESTART = "restart"  # {reason}: this answer will never be whole: ask again


LAST: Final = frozenset({Kind.DONE, Kind.FAILED, Kind.RESTART})


@dataclass(frozen=True, slots=True)
class Entry:
    number: int  # from 1
    kind: Kind
    data: str  # JSON, an object


class AnswerLog:
    """Every method may raise RedisError, OSError or TimeoutError."""

    def __init__(self, redis: Redis, org_id: UUID, answer_id: UUID) -> None:
        self._redis = redis
        self._stream = f"answers:{org_id}:{answer_id}"
        self._maker = f"{self._stream}:maker"
        self._number = 0

    async def open(self) -> None:
        """Begin it, as its maker."""
        await self._redis.set(self._maker, _GO_ON, ex=MAKER_TTL_S)
        await self.append(Kind.STARTED)
        await self._redis.expire(self._stream, KEPT_S)

    async def append(self, kind: Kind, data: dict[str, Any] | None = None) -> None:
        self._number += 1
        fields: dict[Any, Any] = {"k": kind.value, "d": msgspec.json.encode(data or {})}
        try:
            await self._redis.xadd(self._stream, fields, id=f"{self._number}-0")
        except ResponseError as error:
            if _ALREADY_THERE not in str(error):
                raise

    async def keep(self) -> bool:
        """Say that it is still being made; False when somebody asked to stop."""
        asked = await self._redis.getex(self._maker, ex=MAKER_TTL_S)
        if asked is None:
            await self._redis.set(self._maker, _GO_ON, ex=MAKER_TTL_S)  # Redis had forgotten
        return asked != _STOP

    async def end(self) -> None:
        """Nothing follows."""
        await self._redis.expire(self._stream, KEPT_S)
        await self._redis.delete(self._maker)

    async def stop(self) -> bool:
        """Ask its maker to stop; False when nobody makes it any more."""
        return bool(await self._redis.set(self._maker, _STOP, ex=MAKER_TTL_S, xx=True))

    async def exists(self) -> bool:
        return bool(await self._redis.exists(self._stream))

    async def is_being_made(self) -> bool:
        return bool(await self._redis.exists(self._maker))

    async def read(self, after: int, block_ms: int) -> list[Entry]:
        """Return what follows entry `after`; waits up to `block_ms` for the first of it."""
        found = await read_streams(self._redis, {self._stream: f"{after}-0"}, count=READ_MAX, block_ms=block_ms)
        return [
            Entry(int(number.partition("-")[0]), Kind(fields[b"k"].decode()), fields[b"d"].decode())
            for _stream, entries in found
            for number, fields in entries
        ]
