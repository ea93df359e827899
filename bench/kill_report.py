"""What a run of kills says, for people. Sans-I/O."""

from collections import Counter

from bench.kill import KillReport
from bench.kill_check import Case
from bench.load_report import ms, spread
from bench.report_page import Page, Table


def line(case: Case) -> str:
    """Return one case as a line, and one more for each fault."""
    kept = "-" if case.recorded_ms is None else f"{case.recorded_ms / 1000:.2f}"
    streamed = "-" if case.streamed_ms is None else f"{case.streamed_ms / 1000:.2f}"
    lost = "-" if case.lost_ms is None else f"{case.lost_ms:.0f}"
    verdict = "whole" if not case.faults else "BROKEN"
    head = (
        f"{case.persona:<12} {case.phase:<10} streamed {streamed:>6} s, recorded {kept:>6} s, lost {lost:>5} ms, "
        f"{case.windows:>3} windows, events {case.journal_events:>3} → {case.crm_events:>3}  {verdict}"
    )
    return "\n".join([head, *(f"    {fault} ({case.call_id})" for fault in case.faults)])


def summary(report: KillReport) -> str:
    """Return the figures of the run."""
    phases = Counter(case.phase for case in report.cases)
    lost = spread([case.lost_ms for case in report.cases if case.lost_ms is not None])
    lags = spread([case.lag_ms for case in report.cases if case.windows])
    lines = [
        f"{report.whole} of {len(report.cases)} calls whole after {report.kills} kills in {report.seconds:.0f} s "
        f"(slowest restart {report.restart_s:.1f} s)",
        "when killed: " + ", ".join(f"{count} {phase}" for phase, count in phases.most_common()),
        f"{'':<28}{'n':>5}{'p50':>8}{'p95':>8}{'max':>8}",
        f"{'lost of a recording, ms':<28}{lost.count:>5}{_figures(lost.p50, lost.p95, lost.max)}",
        f"{'farthest from its place, ms':<28}{lags.count:>5}{_figures(lags.p50, lags.p95, lags.max)}",
    ]
    return "\n".join([*lines, *(f"FAULT: {fault}" for fault in report.faults)])


def page(report: KillReport) -> Page:
    """Return the report page."""
    rows = [
        (
            case.persona,
            case.phase,
            ms(case.streamed_ms),
            ms(case.recorded_ms),
            ms(case.lost_ms),
            str(case.windows),
            ms(case.lag_ms),
            str(case.journal_events),
            str(case.crm_events),
            "; ".join(case.faults) or "whole",
        )
        for case in report.cases
    ]
    columns = ("persona", "phase", "streamed", "recorded", "lost", "windows", "lag", "journal", "CRM", "verdict")
    return Page(
        title="Killed processes",
        summary=f"The voice process was killed {report.kills} times amid its calls. "
        f"{report.whole} of {len(report.cases)} calls were whole afterwards."
        + "".join(f" {fault}." for fault in report.faults),
        tables=[Table("Calls in progress at a kill, times in ms", columns, rows)],
        results={
            "calls whole": f"{report.whole} of {len(report.cases)}",
            "slowest restart in s": f"{report.restart_s:.1f}",
        },
        meanings={
            "lost": "What the recording lacks at its end, of what had been said and heard before the kill.",
            "windows": "Half-seconds with sound in the carrier's own copy; each was looked for in ours.",
            "journal, CRM": "Events in the journal when the process died, and in the CRM in the end.",
        },
    )


def _figures(*values: float | None) -> str:
    return "".join(f"{'–' if value is None else format(value, '.0f'):>8}" for value in values)
