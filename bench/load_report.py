"""The figures of load runs: what a run is worth, how many calls a core carries, and how people read it. Sans-I/O."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from bench.floor import Floor

DRIFT_MS: Final = 50.0  # of p95 against the smallest run: beyond, calls suffer from each other
STOLEN_SHARE_MAX: Final = 0.05
LATE_P99_MS_MAX: Final = 10.0
OTHERS_SHARE_TOLD: Final = 0.05  # the kernel's own work stays well below


class Spread(msgspec.Struct, frozen=True):
    """Of a sample: how many, and percentiles in milliseconds; None when there were none."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class LoadRun(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    core_per_call: float  # of one core, the server with all its children
    mb_per_call: float  # resident, beyond the idle server
    response_ms: Spread  # last voiced sample sent → first sound played
    barge_in_ms: Spread  # first voiced sample sent → clear received
    underruns: int
    stolen_s: float  # by the hypervisor, both cores
    seconds: float
    others_s: float  # of the server's core, used by neither the server nor the client
    client_core: float  # of its own core, used by the client
    late_p99_ms: float  # how late the client's own frames left
    unanswered: int
    broken_off: int
    early: int
    unasked: int
    unheard_barge_ins: int
    blocked_frames: int
    lost_calls: int  # streams that the server closed
    void: tuple[str, ...] = ()  # why the figures say nothing; empty for a good run


class LoadReport(msgspec.Struct, frozen=True):
    runs: tuple[LoadRun, ...]
    max_calls: int | None  # None when the smallest run is void: there is nothing to compare with
    floor: Floor  # what the voice activity takes by itself


def spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(0, None, None, None, None)
    cuts = np.percentile(np.asarray(values), [50, 95, 99, 100])
    return Spread(len(values), *(round(float(cut), 1) for cut in cuts))


def faults_of(seconds: float, stolen_s: Sequence[float], late_p99_ms: float) -> tuple[str, ...]:
    """Return why a run is void: by a core's stolen time, or by a client that was late itself."""
    found = []
    share = max(stolen_s, default=0.0) / seconds
    if share > STOLEN_SHARE_MAX:
        found.append(f"{share:.0%} of a core's time was stolen")
    if late_p99_ms > LATE_P99_MS_MAX:
        found.append(f"the client's sends were late by {late_p99_ms:.0f} ms (p99)")
    return tuple(found)


def max_calls(runs: Sequence[LoadRun]) -> int | None:
    """Return the largest N whose p95 of the response drifts by less than DRIFT_MS from the smallest N's."""
    good = sorted((run for run in runs if not run.void), key=lambda run: run.calls)
    smallest = min((run.calls for run in runs), default=0)
    if not good or good[0].calls != smallest or good[0].response_ms.p95 is None:
        return None
    limit = good[0].response_ms.p95 + DRIFT_MS
    fitting = [run.calls for run in good if run.response_ms.p95 is not None and run.response_ms.p95 < limit]
    return max(fitting, default=None)


def table(report: LoadReport) -> str:
    """Return the runs as lines for people."""
    lines = [
        f"{'calls':>6}{'core/call':>11}{'MB/call':>9}{'response p50':>14}{'p95':>7}{'p99':>7}"
        f"{'barge-in p50':>14}{'p95':>7}{'turns':>7}{'underruns':>11}{'stolen s':>10}{'late p99':>10}"
    ]
    for run in report.runs:
        response, barge = run.response_ms, run.barge_in_ms
        lines.append(
            f"{run.calls:>6}{run.core_per_call:>11.5f}{run.mb_per_call:>9.2f}{_ms(response.p50):>14}"
            f"{_ms(response.p95):>7}{_ms(response.p99):>7}{_ms(barge.p50):>14}{_ms(barge.p95):>7}"
            f"{response.count:>7}{run.underruns:>11}{run.stolen_s:>10.2f}{run.late_p99_ms:>10.1f}"
        )
        lines += [f"{'':>6}  {remark}" for remark in _remarks(run)]
    floor = report.floor
    lines.append(f"floor: response {_ms(floor.response_ms)} ms, barge-in {_ms(floor.barge_in_ms)} ms")
    most = "unknown: the smallest run is void" if report.max_calls is None else str(report.max_calls)
    lines.append(f"most calls with a p95 within {DRIFT_MS:.0f} ms of the smallest run's: {most}")
    return "\n".join(lines)


def _remarks(run: LoadRun) -> list[str]:
    remarks = [f"VOID: {reason}" for reason in run.void]
    if run.others_s > run.seconds * OTHERS_SHARE_TOLD:
        remarks.append(f"others used {run.others_s / run.seconds:.0%} of the server's core")
    names = ("unanswered", "broken_off", "early", "unasked", "unheard_barge_ins", "blocked_frames", "lost_calls")
    odd = [f"{getattr(run, name)} {name.replace('_', ' ')}" for name in names if getattr(run, name)]
    if odd:
        remarks.append(", ".join(odd))
    return remarks


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
