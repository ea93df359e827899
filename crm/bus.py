"""The connection to Redis and what its absence looks like."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

CONNECT_TIMEOUT_S: Final = 3.0
# Longer than any blocking read of ours (5 s).
ANSWER_TIMEOUT_S: Final = 8.0
CANCEL_AGAIN_S: Final = 2.0  # longer than what a task may take to end in order

# Whatever Redis says no with (full, read-only, still loading), for us it is away.
REDIS_AWAY: Final = (RedisError, OSError, TimeoutError)


def open_redis(url: str) -> Redis:
    """Return the process's client; nothing is connected yet.

    A connection that Redis closed while it lay in the pool is made anew, once. A command that was lost on the
    way may so be written twice; a permit is spent once all the same. After a time-out nothing is repeated.
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        protocol=2,
    )


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks that use Redis, until they are over.

    Once is not enough: the client sends under `asyncio.wait_for`, which on Python 3.11 drops a cancellation that comes
    at the moment when the sending is done.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


async def read_streams(
    redis: Redis, cursors: Mapping[str, str], *, count: int, block_ms: int
) -> list[tuple[str, list[tuple[str, dict[bytes, bytes]]]]]:
    """Return what follows the cursors, stream by stream: (entry id, fields); waits for it up to `block_ms`."""
    streams: dict[Any, Any] = dict(cursors)
    # The client's declared type covers every protocol and decoding; ours are fixed in open_redis.
    reply = cast(Any, await redis.xread(streams, count=count, block=block_ms))
    return [(stream.decode(), [(entry.decode(), fields) for entry, fields in found]) for stream, found in reply or ()]


async def newest_entry(redis: Redis, stream: str) -> str | None:
    """Return the id of the stream's last entry; None when it has none."""
    reply = cast(Any, await redis.xrevrange(stream, count=1))
    return reply[0][0].decode() if reply else None


async def server_run(redis: Redis) -> str:
    """Return what names this start of the Redis server: it changes with a restart and with a failover."""
    return str((await redis.info("server")).get("run_id", ""))
