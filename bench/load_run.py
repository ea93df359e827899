"""One run of load: so many simulated calls against a server that is up, and what came of it.

Calls begin spread over one turn, a window of time is measured when all have settled, and both sides are looked at
from outside meanwhile: processor time and memory by /proc, everything else by the client's own clock.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bench.carrier_client import Caller, Tally
from bench.fakes import TONE_MS
from bench.load_report import LoadRun, faults_of, spread
from bench.pacer import Pacer
from bench.process_meter import core_use, tree_use
from bench.server_process import STOP_TIMEOUT_S, Server, ServerFailed, read_fed_share, read_lag
from bench.stream_socket import StreamRefused, StreamSocket, connect
from bench.utterance import Utterance

log = structlog.get_logger()

IDLE_S: Final = 1.0  # before the idle server's memory is read
CYCLE_S: Final = 5.2  # a turn: speech, answer, rest. Calls begin spread over one, so that the load is even
SETTLE_S: Final = 5.0  # after the last call has begun
WARM_S: Final = 6.0  # a turn of one call
_LOOK_EVERY_S: Final = 1.0
TURNS_WITHIN_S: Final = 300.0  # a window waits for its turns for no longer


@dataclass(frozen=True, slots=True)
class Cores:
    server: int
    client: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `seconds` of `calls`, and longer until there have been `turns_min` turns."""

    calls: int
    seconds: float
    cores: Cores
    turns_min: int = 0
    settle_s: float = SETTLE_S


async def run_calls(server: Server, plan: Plan, utterance: Utterance) -> LoadRun:
    """Measure one run. Raises ServerFailed when the server does not take all calls."""
    run: LoadRun | None = None
    refused: BaseException | None = None
    try:
        run = await _run(server, plan, utterance)
    except* (StreamRefused, OSError, TimeoutError) as group:
        refused = group.exceptions[0]
    if run is None:
        raise ServerFailed(f"the server did not take {plan.calls} calls: {refused!r}")
    return run


async def warm_up(server: Server, cores: Cores, utterance: Utterance) -> None:
    """Have one call of one turn, so that what a server loads late is no part of the figures. Raises ServerFailed."""
    await run_calls(server, Plan(1, WARM_S, cores, settle_s=0.0), utterance)


async def _run(server: Server, plan: Plan, utterance: Utterance) -> LoadRun:
    await asyncio.sleep(IDLE_S)
    idle = tree_use(server.pid)
    tally = Tally()
    pacer = Pacer(tally)
    sockets: list[StreamSocket] = []
    callers: list[Caller] = []
    async with asyncio.TaskGroup() as tasks:
        pacing = tasks.create_task(pacer.run(), name="bench.pace")
        begun = time.monotonic()
        for number in range(plan.calls):
            await asyncio.sleep(max(0.0, begun + number * CYCLE_S / plan.calls - time.monotonic()))
            socket, caller = await open_call(server.stream_url, number, utterance, tally)
            sockets.append(socket)
            callers.append(caller)
            caller.start(time.monotonic())
            pacer.add(number, caller, time.monotonic() + number % 20 / 1000)
        await asyncio.sleep(plan.settle_s)
        run = await _window(server, plan, tally, idle.rss_bytes, sockets)
        for number, caller in enumerate(callers):
            pacer.remove(number)
            caller.stop()
        if server.closes_streams:
            await _until_closed(sockets)
        for socket in sockets:
            socket.close()
        pacing.cancel()
    return run


async def open_call(url: str, number: int, utterance: Utterance, tally: Tally) -> tuple[StreamSocket, Caller]:
    """Connect one simulated call; it talks once it is started and paced."""
    slot: list[Caller] = []
    socket = await connect(url, lambda text: slot[0].received(text, time.monotonic()))
    slot.append(Caller(number, utterance, TONE_MS / 1000, tally, socket.send, unsent_bytes=lambda: socket.unsent_bytes))
    return socket, slot[0]


async def _window(
    server: Server, plan: Plan, tally: Tally, idle_bytes: int, sockets: Sequence[StreamSocket]
) -> LoadRun:
    """Count for as long as the plan says and return what came of it."""
    cores, count = plan.cores, plan.calls
    lag = await read_lag(server)
    used, machine = tree_use(server.pid), (core_use(cores.server), core_use(cores.client))
    client, started = time.process_time(), time.monotonic()
    tally.open = True
    await asyncio.sleep(plan.seconds)
    until = time.monotonic() + TURNS_WITHIN_S
    while len(tally.response_ms) < plan.turns_min and time.monotonic() < until:  # noqa: ASYNC110 - once a second
        await asyncio.sleep(_LOOK_EVERY_S)
    tally.open = False
    passed = time.monotonic() - started
    client_s = time.process_time() - client
    now_used = tree_use(server.pid)
    server_core = core_use(cores.server).since(machine[0])
    client_core = core_use(cores.client).since(machine[1])
    lag_now = await read_lag(server)
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
        pacing_jitter_ms=spread(tally.pacing_jitter_ms),
        ahead_ms=spread(tally.ahead_ms),
        loop_lag_ms=spread(lag_now.since(lag).values()) if lag is not None and lag_now is not None else None,
        unanswered=tally.unanswered,
        broken_off=tally.broken_off,
        early=tally.early,
        unasked=tally.unasked,
        unheard_barge_ins=tally.unheard_barge_ins,
        blocked_frames=tally.blocked_frames,
        fed_share=await read_fed_share(server),
        lost_calls=sum(socket.closed.is_set() for socket in sockets),
        void=faults_of(passed, stolen_s, late.p99 or 0.0),
    )


async def _until_closed(sockets: Sequence[StreamSocket]) -> None:
    """Wait until the server has closed the streams that were stopped."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            for socket in sockets:
                await socket.closed.wait()
    except TimeoutError:
        log.warning("bench.streams_left", count=sum(not socket.closed.is_set() for socket in sockets))
