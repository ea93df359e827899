"""`salesos bench load`: simulated carrier calls against a server process of its own, each side on its own core.

One server and one client per run, so that runs do not colour each other. All calls of the client share one pacing
task; their frames leave spread over the 20 ms, as those of strangers do.
"""

import asyncio
import contextlib
import heapq
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bench.carrier_client import Caller, Tally
from bench.fakes import TONE_MS
from bench.floor import find_floor
from bench.load_report import LoadReport, LoadRun, faults_of, max_calls, spread
from bench.process_meter import core_use, tree_use
from bench.stream_socket import StreamRefused, StreamSocket, connect
from bench.utterance import Utterance, speak_two_seconds
from media.frame import FRAME_MS

log = structlog.get_logger()

READY_TIMEOUT_S: Final = 30.0
IDLE_S: Final = 1.0  # before the idle server's memory is read
CYCLE_S: Final = 5.2  # a turn: speech, answer, rest. Calls begin spread over one, so that the load is even
SETTLE_S: Final = 5.0  # after the last call has begun
STOP_TIMEOUT_S: Final = 15.0
_TICK_S: Final = FRAME_MS / 1000
_RESOLUTION_S: Final = 0.001


class ServerFailed(Exception):
    """The measured server did not come up, or did not take a call."""


@dataclass(frozen=True, slots=True)
class Cores:
    server: int
    client: int


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    stream_url: str


class Pacer:
    """Ticks every caller each 20 ms of the monotonic clock; a stall of ours is caught up in a burst, and counted."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._due: list[tuple[float, int]] = []
        self._callers: dict[int, Caller] = {}

    def add(self, number: int, caller: Caller, first: float) -> None:
        self._callers[number] = caller
        heapq.heappush(self._due, (first, number))

    def remove(self, number: int) -> None:
        self._callers.pop(number, None)

    async def run(self) -> None:
        # time.monotonic, because uvloop's own clock counts whole milliseconds.
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, number = self._due[0]
                caller = self._callers.get(number)
                if caller is None:
                    heapq.heappop(self._due)
                    continue
                heapq.heapreplace(self._due, (due + _TICK_S, number))
                caller.tick(now)
                if self._tally.open:
                    self._tally.late_ms.append((now - due) * 1000)
                now = time.monotonic()
            # Never less than the clock's resolution: uvloop would spin until then, and burn the core.
            await asyncio.sleep(max(_RESOLUTION_S, self._due[0][0] - now) if self._due else _TICK_S)


async def measure(calls: Sequence[int], seconds: float, cores: Cores, on_run: Callable[[LoadRun], None]) -> LoadReport:
    """Measure a run for each number of calls; `on_run` hears of each as it ends. Raises ServerFailed."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    os.sched_setaffinity(0, {cores.client})
    floor = await asyncio.to_thread(find_floor, utterance)
    runs: list[LoadRun] = []
    for count in calls:
        run: LoadRun | None = None
        refused: BaseException | None = None
        async with _server(count, cores.server) as server:
            try:
                run = await _run(server, count, seconds, cores, utterance)
            except* (StreamRefused, OSError, TimeoutError) as group:
                refused = group.exceptions[0]
        if run is None:
            raise ServerFailed(f"the server did not take {count} calls: {refused!r}")
        runs.append(run)
        on_run(run)
    return LoadReport(tuple(runs), max_calls(runs), floor)


@contextlib.asynccontextmanager
async def _server(calls: int, core: int) -> AsyncGenerator[Server]:
    """Run a server of our own for as long as the context is open."""
    words = ["-m", "salesos", "bench", "serve", "--core", str(core), "--max-calls", str(calls)]
    words.append("--no-by-load")  # looked at up to where it breaks
    environment = os.environ | {"SALESOS_PARENT_PID": str(os.getpid())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, env=environment
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_TIMEOUT_S):
            line = await process.stdout.readline()
        if not line:
            raise ServerFailed("the server ended before it was ready")
        ready = json.loads(line)
        yield Server(int(ready["pid"]), str(ready["stream_url"]))
    except TimeoutError:
        raise ServerFailed("the server was not ready in time") from None
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                log.warning("bench.server_killed")
                process.kill()
                await process.wait()


async def _run(server: Server, count: int, seconds: float, cores: Cores, utterance: Utterance) -> LoadRun:
    await asyncio.sleep(IDLE_S)
    idle = tree_use(server.pid)
    tally = Tally()
    pacer = Pacer(tally)
    sockets: list[StreamSocket] = []
    callers: list[Caller] = []
    async with asyncio.TaskGroup() as tasks:
        pacing = tasks.create_task(pacer.run(), name="bench.pace")
        begun = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number * CYCLE_S / count - time.monotonic()))
            socket, caller = await _call(server.stream_url, number, utterance, tally)
            sockets.append(socket)
            callers.append(caller)
            caller.start(time.monotonic())
            pacer.add(number, caller, time.monotonic() + number % 20 / 1000)
        await asyncio.sleep(SETTLE_S)
        run = await _window(server, count, seconds, cores, tally, idle.rss_bytes, sockets)
        for number, caller in enumerate(callers):
            pacer.remove(number)
            caller.stop()
        await _until_closed(sockets)
        pacing.cancel()
    return run


async def _call(url: str, number: int, utterance: Utterance, tally: Tally) -> tuple[StreamSocket, Caller]:
    slot: list[Caller] = []
    socket = await connect(url, lambda text: slot[0].received(text, time.monotonic()))
    slot.append(Caller(number, utterance, TONE_MS / 1000, tally, socket.send, unsent_bytes=lambda: socket.unsent_bytes))
    return socket, slot[0]


async def _window(
    server: Server,
    count: int,
    seconds: float,
    cores: Cores,
    tally: Tally,
    idle_bytes: int,
    sockets: Sequence[StreamSocket],
) -> LoadRun:
    """Count for `seconds` and return what came of it."""
    used, machine = tree_use(server.pid), (core_use(cores.server), core_use(cores.client))
    client, started = time.process_time(), time.monotonic()
    tally.open = True
    await asyncio.sleep(seconds)
    tally.open = False
    passed = time.monotonic() - started
    client_s = time.process_time() - client
    now_used = tree_use(server.pid)
    server_core = core_use(cores.server).since(machine[0])
    client_core = core_use(cores.client).since(machine[1])
    cpu_s = now_used.cpu_s - used.cpu_s
    late = spread(tally.late_ms)
    shared = cores.server == cores.client
    stolen_s = [server_core.stolen_s] if shared else [server_core.stolen_s, client_core.stolen_s]
    return LoadRun(
        calls=count,
        core_per_call=round(cpu_s / passed / count, 6),
        mb_per_call=round((now_used.rss_bytes - idle_bytes) / count / 1e6, 3),
        response_ms=spread(tally.response_ms),
        barge_in_ms=spread(tally.barge_in_ms),
        underruns=tally.underruns,
        stolen_s=round(sum(stolen_s), 3),
        seconds=round(passed, 3),
        others_s=round(max(0.0, server_core.busy_s - cpu_s - (client_s if shared else 0.0)), 3),
        client_core=round(client_s / passed, 4),
        late_p99_ms=late.p99 or 0.0,
        unanswered=tally.unanswered,
        broken_off=tally.broken_off,
        early=tally.early,
        unasked=tally.unasked,
        unheard_barge_ins=tally.unheard_barge_ins,
        blocked_frames=tally.blocked_frames,
        lost_calls=sum(socket.closed.is_set() for socket in sockets),
        void=faults_of(passed, stolen_s, late.p99 or 0.0),
    )


async def _until_closed(sockets: Sequence[StreamSocket]) -> None:
    """The server closes a stream after its `stop`; one that does not is closed by us."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            for socket in sockets:
                await socket.closed.wait()
    except TimeoutError:
        log.warning("bench.streams_left", count=sum(not socket.closed.is_set() for socket in sockets))
    for socket in sockets:
        socket.close()
