"""`salesos bench fuzz`: everything that peers should not do, against the parser and against a server with calls on it.

First the parser gets damaged messages directly. Then a server of its own is attacked by several peers at a time
(bench/attacks.py) while well-behaved calls run beside it (bench/bystander.py); when all attackers are gone it must hold
what it held before, and its calls must have noticed nothing.
"""

import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import structlog

from bench.attacks import ATTACKS, SLOW, Unexpected
from bench.bystander import Noticed
from bench.inventory import Inventory
from bench.load_report import LATE_P99_MS_MAX
from bench.mutate import all_kinds, damaged
from bench.process_meter import is_running
from bench.server_process import Server, our_command, read_stats, running
from bench.ws_frames import NotUpgraded
from telephony.twilio import messages

log = structlog.get_logger()

PARSER_SHARE: Final = 0.1  # of the time
ATTACKERS: Final = 12
QUICK_WEIGHT: Final = 6  # for each attack that waits out a time-out
BYSTANDERS: Final = 2
SERVER_CALLS: Final = 200
CALM_WITHIN_S: Final = 45.0  # longer than any time-out of the server's, one after the other
RSS_GROWTH_MAX: Final = 0.10
SPARE: Final = 3  # tasks, fds: a request for the figures is one itself
# asyncio's pool for blocking work grows to its bound as it is used, and keeps its threads.
THREADS_SPARE: Final = min(32, (os.cpu_count() or 1) + 4)
FAULTS_KEPT: Final = 20
READY_TIMEOUT_S: Final = 60.0
# What a server may say of this: a library's warnings, and a recording that ends because the stamps jumped.
_EXPECTED: Final = ('"level":"WARNING"', "clock_jumped")


class Held(msgspec.Struct, frozen=True):
    """What the server holds: its live calls and everything else."""

    calls: int
    inventory: Inventory


class FuzzReport(msgspec.Struct, frozen=True, kw_only=True):
    seed: int
    seconds: float
    parser_messages: int
    parser_refused: int
    attacks: dict[str, int]
    dropped: int  # attacks that the server ended by closing first
    before: Held  # after every attack once
    after: Held
    beside: Noticed
    faults: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.faults


async def measure(minutes: float, seed: int) -> FuzzReport:
    """Fuzz for so long, and half a minute more. Raises ServerFailed when the server does not come up."""
    began = time.monotonic()
    parsed = await asyncio.to_thread(fuzz_parser, minutes * 60 * PARSER_SHARE, seed)
    with tempfile.TemporaryFile(prefix="salesos-bench-") as errors:
        command = [*our_command(SERVER_CALLS, -1), "--log-level", "error"]
        async with running(command, errors=errors) as server, _bystander(server) as bystander:
            siege = Siege(server, seed)
            await siege.each_once()
            before = await _calm(server)
            await siege.run(minutes * 60 * (1 - PARSER_SHARE))
            after = await _calm(server)
            noticed = await _noticed(bystander)
        faults = [*parsed.faults, *siege.faults, *leaks(before, after), *_notices(noticed), *_errors(errors)]
    return FuzzReport(
        seed=seed,
        seconds=round(time.monotonic() - began, 1),
        parser_messages=parsed.messages,
        parser_refused=parsed.refused,
        attacks=dict(siege.done),
        dropped=siege.dropped,
        before=before,
        after=after,
        beside=noticed,
        faults=tuple(faults),
    )


class Parsed(msgspec.Struct, frozen=True):
    messages: int
    refused: int
    faults: list[str]


def fuzz_parser(seconds: float, seed: int) -> Parsed:
    """Give the parser damaged messages; whatever is neither an event nor a refusal is a fault. Blocking."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret
    kinds = all_kinds()
    until = time.monotonic() + seconds
    count = refused = 0
    faults: list[str] = []
    while time.monotonic() < until and len(faults) < FAULTS_KEPT:
        message = damaged(kinds, chance)
        count += 1
        try:
            messages.parse(message)
        except messages.BadTwilioMessage:
            refused += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            faults.append(f"parser: {type(error).__name__} for {message[:300]!r}")
    return Parsed(count, refused, faults)


class Siege:
    """Attackers against one server."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._seed = seed
        self.done: Counter[str] = Counter()
        self.dropped = 0
        self.faults: list[str] = []

    async def each_once(self) -> None:
        names = list(ATTACKS)
        async with asyncio.TaskGroup() as tasks:
            for number in range(ATTACKERS):
                tasks.create_task(self._attack(names[number::ATTACKERS]), name="bench.attack")

    async def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for number in range(ATTACKERS):
                tasks.create_task(self._attack_until(until, number), name="bench.attack")

    async def _attack_until(self, until: float, number: int) -> None:
        chance = random.Random(f"{self._seed}.{number}")  # noqa: S311 - chance, no secret
        names = list(ATTACKS)
        weights = [1 if name in SLOW else QUICK_WEIGHT for name in names]
        while time.monotonic() < until and len(self.faults) < FAULTS_KEPT:
            await self._attack(chance.choices(names, weights))

    async def _attack(self, names: list[str]) -> None:
        for name in names:
            self.done[name] += 1
            seed = f"{self._seed}.{name}.{self.done[name]}"
            try:
                await ATTACKS[name](self._server.stream_url, random.Random(seed))  # noqa: S311 - as above
            except Unexpected as fault:
                self.faults.append(f"{name} (seed {seed}): {fault}")
            except (OSError, NotUpgraded, TimeoutError) as error:
                # The server may drop whom it likes; it may not be away.
                self.dropped += 1
                if not is_running(self._server.pid):
                    self.faults.append(f"{name} (seed {seed}): the server is gone ({type(error).__name__})")
                    return


async def _calm(server: Server) -> Held:
    """Wait until only the well-behaved calls are left, or for as long as a server may take; return what it holds."""
    deadline = time.monotonic() + CALM_WITHIN_S
    previous: Held | None = None
    while True:
        held = msgspec.convert(await read_stats(server), Held)
        settled = held.calls <= BYSTANDERS and held.inventory.spool_files <= 2 * BYSTANDERS
        same = previous is not None and held.inventory.sockets >= previous.inventory.sockets
        if (settled and same and held.inventory.journals <= BYSTANDERS) or time.monotonic() > deadline:
            return held
        previous = held
        await asyncio.sleep(1)


def leaks(before: Held, after: Held, live: int = BYSTANDERS) -> list[str]:
    """Return what `after` holds beyond `before`, with `live` calls on it."""
    faults = []
    if after.calls != live:
        faults.append(f"{after.calls} live calls, not {live}")
    for name in ("tasks", "threads", "fds", "sockets", "journals", "spool_files"):
        was, now = getattr(before.inventory, name), getattr(after.inventory, name)
        if now > was + (THREADS_SPARE if name == "threads" else SPARE):
            faults.append(f"{name}: {was} before, {now} after")
    growth = after.inventory.rss_bytes / before.inventory.rss_bytes - 1
    if growth > RSS_GROWTH_MAX:
        faults.append(f"resident size grew by {growth:.0%}")
    return faults


def _notices(noticed: Noticed) -> list[str]:
    """Return what the well-behaved calls noticed; their own lateness excuses a gap, and nothing else."""
    names = ["unanswered", "broken_off", "lost_calls"]
    if noticed.late_p99_ms <= LATE_P99_MS_MAX:
        names.append("underruns")
    return [f"beside: {value} {name.replace('_', ' ')}" for name in names if (value := getattr(noticed, name))]


def _errors(log_file: BinaryIO) -> list[str]:
    """Return what the server logged: it was told to log errors alone."""
    log_file.seek(0)
    lines = [line for line in log_file.read().decode(errors="replace").splitlines() if line.strip()]
    told = [line[:300] for line in lines if not any(sign in line for sign in _EXPECTED)]
    return [f"server: {line}" for line in told[:FAULTS_KEPT]]


@contextlib.asynccontextmanager
async def _bystander(server: Server) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bystander", server.stream_url, str(BYSTANDERS)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_TIMEOUT_S):
            await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _noticed(process: asyncio.subprocess.Process) -> Noticed:
    async with asyncio.timeout(READY_TIMEOUT_S):
        output, _ = await process.communicate(b"")  # closes its input
    return msgspec.json.decode(output, type=Noticed)
