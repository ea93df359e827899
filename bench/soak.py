"""`salesos bench soak`: thousands of short calls against one server, which must hold nothing of them afterwards.

The first calls are for what is loaded and kept once. Then the server is looked at when all is quiet, and again when all
calls are over: its processes' memory, tasks, threads, descriptors, and what lies in its journal and spool.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from bench.carrier_client import Tally
from bench.fuzz import Held, leaks
from bench.load_run import open_call
from bench.pacer import Pacer
from bench.process_meter import tree_use
from bench.server_process import Server, our_command, read_stats, running
from bench.stream_socket import StreamRefused
from bench.utterance import Utterance, speak_two_seconds
from telephony.interpreter import SWEEP_AFTER_S

FIRST: Final = 200
GROWTH_MAX: Final = 0.05
CALM_WITHIN_S: Final = 60.0
CLOSE_TIMEOUT_S: Final = 15.0
TELL_EVERY: Final = 200  # calls
FAULTS_KEPT: Final = 20
_QUIET_S: Final = SWEEP_AFTER_S + 3.0  # after the last call: what is freed late is freed


class Level(msgspec.Struct, frozen=True):
    """What the server holds with no call on it."""

    after_calls: int
    rss_bytes: int  # all processes of the server
    held: Held


class SoakReport(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    seconds_each: float
    at_once: int
    seconds: float
    answers: int
    first: Level
    last: Level
    growth: float  # of the resident size, from the first level to the last
    faults: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.faults


async def measure(calls: int, seconds_each: float, at_once: int, tell: Callable[[int], None]) -> SoakReport:
    """Place all calls; `tell` hears how many are over. Raises ServerFailed."""
    began = time.monotonic()
    utterance = await asyncio.to_thread(speak_two_seconds)
    async with running(our_command(at_once * 2, -1)) as server:
        soak = Soak(server, utterance, seconds_each, tell)
        first_calls = min(FIRST, max(1, calls // 2))
        await soak.place(first_calls, at_once)
        first = await soak.level()
        await soak.place(calls - first_calls, at_once)
        last = await soak.level()
    growth = last.rss_bytes / first.rss_bytes - 1
    return SoakReport(
        calls=calls,
        seconds_each=seconds_each,
        at_once=at_once,
        seconds=round(time.monotonic() - began, 1),
        answers=len(soak.tally.response_ms),
        first=first,
        last=last,
        growth=round(growth, 4),
        faults=(*soak.faults[:FAULTS_KEPT], *judge(first, last)),
    )


def judge(first: Level, last: Level) -> list[str]:
    """Return what the last level has that the first had not."""
    faults = leaks(first.held, last.held, live=0)
    for level in (first, last):
        for name in ("journals", "spool_files"):
            if left := getattr(level.held.inventory, name):
                faults.append(f"{left} {name.replace('_', ' ')} left after {level.after_calls} calls")
    growth = last.rss_bytes / first.rss_bytes - 1
    if growth > GROWTH_MAX:
        faults.append(f"resident size of all processes grew by {growth:.1%}")
    return faults


class Soak:
    """Calls against one server, so many at a time."""

    def __init__(self, server: Server, utterance: Utterance, seconds_each: float, tell: Callable[[int], None]) -> None:
        self._server = server
        self._utterance = utterance
        self._seconds_each = seconds_each
        self._tell = tell
        self._over = 0
        self.tally = Tally(open=True)
        self._pacer = Pacer(self.tally)
        self.faults: list[str] = []

    async def place(self, calls: int, at_once: int) -> None:
        """Place `calls` calls and return when they are over."""
        numbers = iter(range(self._over, self._over + calls))
        async with asyncio.TaskGroup() as tasks:
            pacing = tasks.create_task(self._pacer.run(), name="bench.pace")
            async with asyncio.TaskGroup() as slots:
                for slot in range(min(at_once, calls)):
                    # Spread over a call's length, as calls of strangers are.
                    slots.create_task(self._slot(numbers, slot * self._seconds_each / at_once), name="bench.slot")
            pacing.cancel()

    async def level(self) -> Level:
        """Wait until nothing of the calls is left, or for as long as a server may take, and look."""
        deadline = time.monotonic() + CALM_WITHIN_S
        while True:
            held = msgspec.convert(await read_stats(self._server), Held)
            left = held.calls + held.inventory.journals + held.inventory.spool_files
            if not left or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(_QUIET_S)
        held = msgspec.convert(await read_stats(self._server), Held)
        return Level(self._over, tree_use(self._server.pid).rss_bytes, held)

    async def _slot(self, numbers: Iterator[int], after_s: float) -> None:
        await asyncio.sleep(after_s)
        for number in numbers:
            try:
                await self._call(number)
            except (StreamRefused, OSError, TimeoutError) as error:
                self.faults.append(f"call {number}: {type(error).__name__} {error}")
            self._over += 1
            if self._over % TELL_EVERY == 0:
                self._tell(self._over)

    async def _call(self, number: int) -> None:
        socket, caller = await open_call(self._server.stream_url, number, self._utterance, self.tally)
        now = time.monotonic()
        caller.start(now)
        self._pacer.add(number, caller, now + number % 20 / 1000)
        try:
            await asyncio.sleep(self._seconds_each)
            if socket.closed.is_set():
                self.faults.append(f"call {number}: closed by the server")
            self._pacer.remove(number)
            caller.stop()
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await socket.closed.wait()
        finally:
            self._pacer.remove(number)
            socket.close()
