"""A measured server: a process of its own, started and ended by the bench, which says where it is by one JSON line."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from bench.loop_lag import Lag
from bench.providers.process import Behind
from events import call as events

log = structlog.get_logger()

READY_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0
_STATS_TIMEOUT_S: Final = 2.0
_REPLY_BYTES_MAX: Final = 65_536


class ServerFailed(Exception):
    """The measured server did not come up, or did not take a call."""


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    stream_url: str
    tells_lag: bool = True  # it answers on /stats
    closes_streams: bool = True  # it closes a stream after its `stop`; the carrier's end does otherwise


def our_command(calls: int, core: int, *, by_load: bool = False, behind: Behind | None = None) -> list[str]:
    """Return the command of `salesos bench serve`, which takes up to `calls` whatever its load, unless told to look."""
    words = ["-m", "salesos", "bench", "serve", "--core", str(core), "--max-calls", str(calls)]
    sockets = [] if behind is None else ["--behind", msgspec.json.encode(behind).decode()]
    return [sys.executable, *words, *sockets, "--by-load" if by_load else "--no-by-load"]


def sockets_command(core: int) -> list[str]:
    """Return the command of a server that has the product's sockets and nothing behind them."""
    return [sys.executable, "-m", "bench.socket_floor", "--core", str(core)]


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], *, ours: bool = True, errors: BinaryIO | None = None
) -> AsyncGenerator[Server]:
    """Run a server for as long as the context is open; `errors` takes its standard error. Raises ServerFailed."""
    environment = os.environ | {"SALESOS_PARENT_PID": str(os.getpid())}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment
    )
    try:
        yield await _ready(process, ours=ours)
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """Tell a process of ours to stop, and kill it when it does not in time."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            log.warning("bench.process_killed", pid=process.pid)
            process.kill()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, *, ours: bool) -> Server:
    """Wait for the line that says where the server is. Raises ServerFailed."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise ServerFailed("the server was not ready in time") from None
    if not line:
        raise ServerFailed("the server ended before it was ready")
    ready = json.loads(line)
    return Server(int(ready["pid"]), str(ready["stream_url"]), tells_lag=ours, closes_streams=ours)


async def read_lag(server: Server) -> Lag | None:
    """Return how late the server's loop has run since its start; None from one that does not tell."""
    if not server.tells_lag:
        return None
    try:
        return Lag.from_counts((await read_stats(server))["lag_ms"])
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        log.warning("bench.no_lag", reason=type(error).__name__)
        return None


async def read_fed_share(server: Server) -> float | None:
    """Return what share of the live calls' audio went to recognisers; None from a server that does not tell."""
    if not server.tells_lag:
        return None
    try:
        fed = (await read_stats(server))["fed"]
        return round(fed["fed_ms"] / fed["heard_ms"], 4) if fed["heard_ms"] else None
    except (OSError, TimeoutError, ValueError, KeyError) as error:
        log.warning("bench.no_fed_share", reason=type(error).__name__)
        return None


async def read_stats(server: Server) -> dict[str, Any]:
    """Return what `/stats` of our own server says. Raises OSError, TimeoutError, ValueError."""
    return dict(json.loads(await read_page(server, "/stats")))


async def read_told(server: Server, name: str) -> list[events.Body] | None:
    """Return what the call of that name told of itself; None while it is not over. Raises as `read_stats`."""
    return msgspec.json.decode(await read_page(server, f"/told/{name}"), type=list[events.Body] | None)


async def read_page(server: Server, path: str) -> bytes:
    """Return the body of a page of our own server. Raises OSError, TimeoutError."""
    parts = urlsplit(server.stream_url)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_STATS_TIMEOUT_S):
            # By hand: an HTTP client's import would stop the calls of this process for too long.
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
            reply = await reader.read(_REPLY_BYTES_MAX)
            while chunk := await reader.read(_REPLY_BYTES_MAX):
                reply += chunk
        return reply.partition(b"\r\n\r\n")[2]
    finally:
        if writer is not None:
            writer.close()
