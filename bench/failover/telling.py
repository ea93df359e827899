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
        f"{report.went_on} of {report.calls} calls went on (seed {report.seed})",
        f"longest silence of a call: median {air.p50 or 0:.0f} ms, p95 {air.p95 or 0:.0f} ms, "
        f"most {air.max or 0:.0f} ms; above {DEAD_AIR_MAX_S:.0f} s in {report.dead_air} calls",
        "requests to models: " + ", ".join(f"{count} {fate}" for fate, count in sorted(report.requests.items())),
        "their tokens: " + ", ".join(f"{count} {fate}" for fate, count in sorted(report.tokens.items())),
        *(f"FAULT: {fault}" for fault in report.faults),
    ]
    return "\n".join(lines)


def page(report: FailoverReport) -> Page:
    """Return the report page."""
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
            "dead air": f"above {DEAD_AIR_MAX_S:.0f} s in {report.dead_air} calls",
        },
        meanings={
            "whole": "Went on, every word of the agent's was played once and in its order, remembered as it was heard, "
            "and each utterance of the prospect's was understood.",
            "dead air": "From the last sound of one to the first of the other.",
        },
    )
