"""What `salesos bench failover` says. Sans-I/O."""

from bench.failover.judging import DEAD_AIR_MAX_S, CallFound
from bench.failover.run import FailoverReport
from bench.report_page import Page, Table

_WHO = ("provider and fault", "calls", "whole")


def line(found: CallFound) -> str:
    said = "; ".join(found.faults) or "went on, every word heard once"
    return f"call {found.number}: {found.victim} {found.fault}: {said}"


def summary(report: FailoverReport) -> str:
    """Return the figures and every fault."""
    lines = [f"{_WHO[0]:<26}{_WHO[1]:>8}{_WHO[2]:>8}"]
    lines += [f"{kind:<26}{calls:>8}{whole:>8}" for kind, (calls, whole) in report.by_fault.items()]
    air = report.dead_air_ms
    lines += [
        f"{report.went_on} of {report.calls} calls went on (seed {report.seed}, {report.at_once} at once, "
        f"{report.seconds:.0f} s)",
        f"a provider died as drawn in {report.struck} calls, in {report.killed} its process, amid all calls on it",
        f"longest silence of a call: median {air.p50 or 0:.0f} ms, p95 {air.p95 or 0:.0f} ms, "
        f"most {air.max or 0:.0f} ms; above {DEAD_AIR_MAX_S:.0f} s in {report.dead_air} calls",
        f"carrier's frames left late by: median {report.late_ms.p50 or 0:.1f} ms, p99 {report.late_ms.p99 or 0:.1f} ms",
        "requests to models: " + ", ".join(f"{count} {fate}" for fate, count in sorted(report.requests.items())),
        "their tokens: " + ", ".join(f"{count} {fate}" for fate, count in sorted(report.tokens.items())),
        *(f"FAULT: {fault}" for fault in report.faults),
    ]
    return "\n".join(lines)


def page(report: FailoverReport) -> Page:
    """Return the report page."""
    air = report.dead_air_ms
    rows = [(kind, str(calls), str(whole)) for kind, (calls, whole) in report.by_fault.items()]
    return Page(
        title="Providers that die in mid-call",
        summary=f"{report.went_on} of {report.calls} calls went on, {len(report.faults)} faults, seed {report.seed}.",
        tables=[
            Table("Who died, and how", _WHO, rows),
            Table("Faults", ("fault",), [(fault,) for fault in report.faults]),
        ],
        results={
            "went on": f"{report.went_on} of {report.calls}",
            "died": f"as drawn in {report.struck} calls, {report.killed} by the process",
            "dead air": f"most {air.max or 0:.0f} ms, above {DEAD_AIR_MAX_S:.0f} s in {report.dead_air} calls",
        },
        meanings={
            "whole": "Went on, every word of the agent's was played once and in its order, remembered as it was heard, "
            "and each utterance of the prospect's was understood.",
            "died": "A killed process takes its provider from all calls, so that the one of another case may be gone "
            "before it dies as drawn.",
            "dead air": "From the last sound of anybody to the agent's next one, at the carrier's end.",
        },
    )
