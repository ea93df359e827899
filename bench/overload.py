"""`salesos bench overload`: twice the calls that a core sustains, and what becomes of those in progress.

The server is `salesos bench serve` with the product's own admission. As many calls as it sustains talk for a while;
then as many more arrive over some seconds. Those in progress are compared with themselves.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.carrier_client import Tally
from bench.crowd import Crowd, Group
from bench.load_report import DRIFT_MS, faults_of, spread
from bench.load_run import CYCLE_S, SETTLE_S, Cores
from bench.overload_report import Overload, Side, drift_of
from bench.overload_report import faults_of as broken_rules
from bench.process_meter import CoreUse, core_use, tree_use
from bench.server_process import STOP_TIMEOUT_S, our_command, running
from bench.utterance import Utterance, speak_two_seconds

RAMP_FIRST: Final = 8
RAMP_STEP: Final = 20
RAMP_CALLS_MAX: Final = 600
RAMP_SECONDS: Final = 12.0  # a window: two turns of each call
RAMP_BASE_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`sustainable` 0: found by a ramp. `max_calls`: the server's hard cap."""

    sustainable: int
    seconds: float
    arrive_s: float
    max_calls: int
    cores: Cores


async def measure(plan: Plan, tell: Callable[[str], None]) -> Overload:
    """Measure. Raises ServerFailed."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    os.sched_setaffinity(0, {plan.cores.client})
    sustainable = plan.sustainable or await _ramp(plan.cores, utterance, tell)
    async with (
        running(our_command(plan.max_calls, plan.cores.server, by_load=True)) as server,
        asyncio.TaskGroup() as tasks,
    ):
        crowd = Crowd(tasks, server.stream_url, utterance)
        first, others = crowd.group(), crowd.group()
        await crowd.offer(first, sustainable, CYCLE_S)
        await asyncio.sleep(SETTLE_S)
        tell(f"{first.admitted} calls in progress")
        watch = _Watch(plan.cores, server.pid)
        crowd.lateness.open = True
        before = await _window(first.tally, plan.seconds)
        others.tally.open = True
        arriving = tasks.create_task(crowd.offer(others, sustainable, plan.arrive_s), name="bench.offer")
        during = await _window(first.tally, plan.arrive_s + plan.seconds)
        await arriving
        others.tally.open = crowd.lateness.open = False
        void, others_share = watch.faults(crowd.lateness), watch.others_share()
        await crowd.end(STOP_TIMEOUT_S)
    newcomers = side_of(others.tally, plan.arrive_s + plan.seconds)
    return _report(sustainable, (first, others), (before, during, newcomers), void, others_share)


def _report(
    sustainable: int,
    groups: tuple[Group, Group],
    sides: tuple[Side, Side, Side],
    void: tuple[str, ...],
    others_share: float,
) -> Overload:
    before, during, newcomers = sides
    refused = groups[0].refused + groups[1].refused
    offered, admitted = sum(group.offered for group in groups), sum(group.admitted for group in groups)
    lost = sum(group.lost for group in groups)
    drift_ms = drift_of(before, during)
    faults = broken_rules(drift_ms, refused, lost, offered, admitted)
    return Overload(
        sustainable=sustainable,
        offered=offered,
        admitted=admitted,
        refused=dict(refused),
        before=before,
        during=during,
        newcomers=newcomers,
        drift_p95_ms=drift_ms,
        lost=lost,
        others_share=round(others_share, 3),
        faults=tuple(faults),
        void=void,
        ok=not faults and not void,
    )


def side_of(tally: Tally, seconds: float) -> Side:
    """Return what a tally has noticed."""
    return Side(spread(tally.response_ms), tally.underruns, tally.unanswered, round(seconds, 3))


async def _window(tally: Tally, seconds: float) -> Side:
    """Count for a time, from nothing."""
    tally.response_ms.clear()
    tally.underruns = tally.unanswered = 0
    started = time.monotonic()
    tally.open = True
    await asyncio.sleep(seconds)
    tally.open = False
    return side_of(tally, time.monotonic() - started)


async def _ramp(cores: Cores, utterance: Utterance, tell: Callable[[str], None]) -> int:
    """Return how many calls a server of ours sustains: the p95 of the response stays near that of a few.

    On one server, in steps, each looked at for two turns: good to a step, and quicker than `salesos bench load`.
    """
    async with running(our_command(RAMP_CALLS_MAX, cores.server)) as server, asyncio.TaskGroup() as tasks:
        crowd = Crowd(tasks, server.stream_url, utterance)
        everybody = crowd.group()
        await crowd.offer(everybody, RAMP_FIRST, CYCLE_S)
        await asyncio.sleep(SETTLE_S)
        base = await _window(everybody.tally, RAMP_BASE_SECONDS)
        sustained = RAMP_FIRST
        while base.response_ms.p95 is not None and sustained < RAMP_CALLS_MAX:
            await crowd.offer(everybody, RAMP_STEP, CYCLE_S)
            await asyncio.sleep(SETTLE_S)
            now = await _window(everybody.tally, RAMP_SECONDS)
            tell(f"{everybody.offered} calls: response p95 {now.response_ms.p95} ms ({base.response_ms.p95} at first)")
            p95 = now.response_ms.p95
            if p95 is None or p95 > base.response_ms.p95 + DRIFT_MS or everybody.refused:
                break
            sustained = everybody.offered
        await crowd.end(STOP_TIMEOUT_S)
    return sustained


class _Watch:
    """Looks at both cores from its making on: was the machine ours?"""

    def __init__(self, cores: Cores, server_pid: int) -> None:
        self._server_pid, self._server_core = server_pid, cores.server
        self._used_s = self._ours_s(cores)
        self._all = cores
        self._cores = sorted({cores.server, cores.client})
        self._before: list[CoreUse] = [core_use(core) for core in self._cores]
        self._started = time.monotonic()

    def faults(self, lateness: Tally) -> tuple[str, ...]:
        stolen = [core_use(core).since(before).stolen_s for core, before in zip(self._cores, self._before, strict=True)]
        late = spread(lateness.late_ms)
        return faults_of(time.monotonic() - self._started, stolen, late.p99 or 0.0)

    def others_share(self) -> float:
        """Return how much of the server's core neither it nor we have used: neighbours, and the kernel's own work."""
        before = self._before[self._cores.index(self._server_core)]
        others_s = core_use(self._server_core).since(before).busy_s - (self._ours_s(self._all) - self._used_s)
        return max(0.0, others_s) / (time.monotonic() - self._started)

    def _ours_s(self, cores: Cores) -> float:
        shared = cores.server == cores.client
        return tree_use(self._server_pid).cpu_s + (time.process_time() if shared else 0.0)
