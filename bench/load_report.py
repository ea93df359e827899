"""The figures of load runs: what a run is worth, how many calls a core carries, and how people read it. Sans-I/O."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from bench.floor import Floor

DRIFT_MS: Final = 50.0  # of p95 against the baseline: beyond, calls suffer from each other
STOLEN_SHARE_MAX: Final = 0.05
LATE_P99_MS_MAX: Final = 10.0
UNDERRUNS_A_CALL_S: Final = 1 / 1000
UNANSWERED_SHARE_MAX: Final = 0.01
OTHERS_SHARE_TOLD: Final = 0.05  # the kernel's own work stays well below


class Spread(msgspec.Struct, frozen=True):
    """Of a sample: how many, and percentiles in milliseconds; None when there were none."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None
    min: float | None = None
    p5: float | None = None


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
    pacing_jitter_ms: Spread  # how far packets of an answer came from one after the other in real time
    ahead_ms: Spread  # what the carrier had left to play when the next packet came
    loop_lag_ms: Spread | None  # how late the server's clock ticked; None from a server that does not tell
    unanswered: int
    broken_off: int
    early: int
    unasked: int
    unheard_barge_ins: int
    blocked_frames: int
    lost_calls: int  # streams that the server closed
    fed_share: float | None = None  # of the prospects' audio, given to recognisers; None without any
    void: tuple[str, ...] = ()  # why the figures say nothing; empty for a good run
    void_tries: tuple[str, ...] = ()  # why it had to be repeated: the faults of the tries before


class LoadReport(msgspec.Struct, frozen=True):
    runs: tuple[LoadRun, ...]
    max_calls: int | None  # None when the baseline is void: there is nothing to compare with
    floor: Floor  # what the voice activity takes by itself
    baseline_calls: int  # the run that p95 is compared with
    sockets: LoadRun | None = None  # the product's sockets alone, by the largest number of calls; only its cost counts


def spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(0, None, None, None, None)
    cuts = np.percentile(np.asarray(values), [50, 95, 99, 100, 0, 5])
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


def repeated(tries: Sequence[LoadRun]) -> LoadRun:
    """Return the last of several tries at one run, which tells why the others do not count."""
    *before, last = tries
    return msgspec.structs.replace(last, void_tries=tuple("; ".join(run.void) for run in before))


def max_calls(runs: Sequence[LoadRun], baseline_calls: int) -> int | None:
    """Return the largest N that a core carries: p95 near the baseline's, hardly an underrun, every call answered."""
    baseline = next((run for run in runs if run.calls == baseline_calls), None)
    if baseline is None or baseline.void or baseline.response_ms.p95 is None:
        return None
    limit = baseline.response_ms.p95 + DRIFT_MS
    return max((run.calls for run in runs if not run.void and _carried(run, limit)), default=None)


def _carried(run: LoadRun, p95_below_ms: float) -> bool:
    response, call_s = run.response_ms, run.calls * run.seconds
    if response.p95 is None or response.p95 >= p95_below_ms or run.lost_calls:
        return False
    # Percentiles count answers only, so that a server which answers few must not look good.
    answered = run.unanswered <= response.count * UNANSWERED_SHARE_MAX
    return answered and run.underruns <= call_s * UNDERRUNS_A_CALL_S


def table(report: LoadReport) -> str:
    """Return the runs as lines for people."""
    lines = [
        f"{'calls':>6}{'core/call':>11}{'MB/call':>9}{'response p50':>14}{'p95':>6}{'p99':>6}"
        f"{'barge-in p50':>14}{'p95':>6}{'turns':>7}{'underruns':>11}{'jitter p99':>12}{'lag p99':>9}"
        f"{'stolen s':>10}{'late p99':>10}"
    ]
    for run in report.runs:
        response, barge = run.response_ms, run.barge_in_ms
        lag = run.loop_lag_ms.p99 if run.loop_lag_ms is not None else None
        lines.append(
            f"{run.calls:>6}{run.core_per_call:>11.5f}{run.mb_per_call:>9.2f}{ms(response.p50):>14}"
            f"{ms(response.p95):>6}{ms(response.p99):>6}{ms(barge.p50):>14}{ms(barge.p95):>6}"
            f"{response.count:>7}{run.underruns:>11}{ms(run.pacing_jitter_ms.p99):>12}{ms(lag):>9}"
            f"{run.stolen_s:>10.2f}{run.late_p99_ms:>10.1f}"
        )
        lines += [f"{'':>6}  {remark}" for remark in remarks(run)]
    floor = report.floor
    lines.append(f"floor: response {ms(floor.response_ms)} ms, barge-in {ms(floor.barge_in_ms)} ms")
    if report.sockets is not None:
        void = f", VOID: {'; '.join(report.sockets.void)}" if report.sockets.void else ""
        lines.append(
            f"floor: {report.sockets.core_per_call:.5f} core/call for sockets alone, {report.sockets.calls} calls{void}"
        )
    most = "unknown: the baseline is void" if report.max_calls is None else str(report.max_calls)
    lines.append(
        f"most calls with a p95 within {DRIFT_MS:.0f} ms of the run of {report.baseline_calls}, "
        f"and at most one underrun in 1000 call-seconds: {most}"
    )
    return "\n".join(lines)


def remarks(run: LoadRun) -> list[str]:
    """Return what is odd about a run, in words."""
    found = [f"repeated: {reasons}" for reasons in run.void_tries]
    found += [f"VOID: {reason}" for reason in run.void]
    if run.others_s > run.seconds * OTHERS_SHARE_TOLD:
        found.append(f"others used {run.others_s / run.seconds:.0%} of the server's core")
    names = ("unanswered", "broken_off", "early", "unasked", "unheard_barge_ins", "blocked_frames", "lost_calls")
    if run.fed_share is not None:
        found.append(f"{run.fed_share:.1%} of the prospects' seconds were sent to the recogniser")
    odd = [f"{getattr(run, name)} {name.replace('_', ' ')}" for name in names if getattr(run, name)]
    if odd:
        found.append(", ".join(odd))
    return found


def ms(value: float | None) -> str:
    """Return milliseconds as people read them."""
    return "–" if value is None else f"{value:.0f}"
