"""Reads the process's load twice a second: clock, voice detector and the kernel's account of the loop's thread.

The loop is busy while its thread runs and while it waits to run: a core shared with others, or throttled by a
cgroup, is as full as one that we fill ourselves. The kernel tells both (/proc/<pid>/task/<tid>/schedstat, Linux).
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from media.activity.silero import Silero
from media.clock import TICK_S, Clock
from media.load import Gauge, Reading, Shedding

log = structlog.get_logger()

READ_EVERY_S: Final = 0.5
_FEW_CALLS: Final = 25  # one gap among fewer is an accident, not a rate
_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds so far."""

    at: float
    loop_s: float  # the loop's thread ran
    waited_s: float  # the loop's thread could have run and did not
    process_s: float  # all threads ran


def cores_granted() -> float:
    """Return how many cores this process may use at most: its affinity, or its cgroup's quota."""
    return min(float(len(os.sched_getaffinity(0))), _quota(_CGROUP))


def _quota(folder: Path) -> float:
    """Return the CPU quota of a cgroup (version 2, or 1), in cores; infinite when there is none."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return float("inf")
    try:
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return float("inf")  # "max"
    return cores if cores > 0 else float("inf")


def spent(schedstat: Path) -> Spent:
    """Return what the calling thread, and its process, have used."""
    try:
        waited_s = int(schedstat.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        waited_s = 0.0  # a kernel that does not say: what others take shows in the lag alone
    return Spent(time.monotonic(), time.thread_time(), waited_s, time.process_time())


def reading_of(before: Spent, now: Spent, cores: float) -> tuple[float, float]:
    """Return (busy, used) of a Reading: of the loop's core, and of a core by this process."""
    passed = max(now.at - before.at, 1e-6)
    loop = (now.loop_s - before.loop_s + now.waited_s - before.waited_s) / passed
    used = (now.process_s - before.process_s) / passed
    return min(1.0, max(loop, used / cores)), used


class LoadSampler:
    """Feeds a gauge. `run` is its task, on the loop that it measures."""

    def __init__(
        self,
        gauge: Gauge,
        clock: Clock,
        silero: Silero,
        calls: Callable[[], tuple[int, int]],
        on_shedding: Callable[[Shedding], None] = lambda _shedding: None,
    ) -> None:
        """`calls` returns how many calls have audio, and how many underruns all calls had so far.

        `on_shedding` is told when what is shed changes.
        """
        self._gauge = gauge
        self._clock = clock
        self._silero = silero
        self._calls = calls
        self._on_shedding = on_shedding

    async def run(self) -> None:
        """Read until cancelled."""
        schedstat = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/schedstat")
        cores = cores_granted()
        before, missed, batches = spent(schedstat), self._clock.missed, self._silero.batches
        underruns = self._calls()[1]
        self._clock.subscribe(_nothing)  # while rooms are silent the clock tells of the loop all the same
        try:
            while True:
                await asyncio.sleep(READ_EVERY_S)
                now = spent(schedstat)
                busy, used = reading_of(before, now, cores)
                calls, underruns_now = self._calls()
                passed_s = max(now.at - before.at, TICK_S)
                if self._silero.batches == batches:
                    self._silero.delay_ms.clear()  # nobody speaks: what was is no load of now
                was = self._gauge.load.shedding
                load = self._gauge.take(
                    Reading(
                        busy=busy,
                        used=used,
                        calls=calls,
                        lag_ms=self._clock.late_ms.share(0.95),
                        vad_ms=self._silero.delay_ms.share(0.95),
                        missed=(self._clock.missed - missed) * TICK_S / passed_s,
                        # There are fewer when a call has ended.
                        underruns=max(0, underruns_now - underruns) / passed_s / max(calls, _FEW_CALLS),
                    )
                )
                if load.shedding is not was:
                    log.warning("load.shedding", sheds=load.shedding.name, level=round(load.level, 2), by=load.reason)
                    self._on_shedding(load.shedding)
                before, missed, underruns = now, self._clock.missed, underruns_now
                batches = self._silero.batches
        finally:
            self._clock.unsubscribe(_nothing)


def _nothing() -> None:
    pass
