"""The providers' processes as the bench has them: started, asked where they are, listened to, ended."""

import asyncio
import contextlib
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from bench.failover.case import KILLED
from bench.failover.vendor import Setting, Strike
from bench.server_process import ServerFailed, end

READY_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class Vendors:
    pid: int  # of who watches them
    urls: dict[str, str]  # as `bench.providers.process.Behind` wants them
    strikes: list[tuple[float, Strike]] = field(default_factory=list)  # with the moments at which they were told
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # they ended by themselves

    def struck(self, call: int) -> tuple[str, ...]:
        """Return who died to that call as its case wants it."""
        return tuple(strike.role for _, strike in self.strikes if strike.call == call)

    def killed(self, since: float, until: float) -> tuple[str, ...]:
        """Return whose processes were killed in that time, for any call."""
        return tuple(strike.role for at, strike in self.strikes if strike.fault == KILLED and since <= at <= until)


@contextlib.asynccontextmanager
async def vendor_processes(setting: Setting) -> AsyncGenerator[Vendors]:
    """Run them while the context is open.

    Raises:
        ServerFailed: they were not ready in time, or ended by themselves.
    """
    words = (sys.executable, "-m", "bench.failover.vendor_processes")
    process = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[2])
    try:
        vendors = Vendors(process.pid, await _ready(process, setting))
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(_listen(process, vendors), name="bench.vendors")
            yield vendors
            listening.cancel()
        if vendors.gone.is_set():
            raise ServerFailed("the providers' processes ended by themselves")
    finally:
        await end(process)


async def _ready(process: Process, setting: Setting) -> dict[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(setting) + b"\n")
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise ServerFailed("the providers were not ready in time") from None
    if not line:
        raise ServerFailed("the providers' processes ended before they were ready")
    return msgspec.json.decode(line, type=dict[str, str])


async def _listen(process: Process, vendors: Vendors) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        vendors.strikes.append((time.monotonic(), msgspec.json.decode(line, type=Strike)))
    vendors.gone.set()
