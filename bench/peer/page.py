"""The report of a comparison: cost, response and memory of each side, each round, and what was made equal."""

from collections.abc import Callable
from typing import Final

from bench.load_page import MEANINGS
from bench.load_report import LoadRun, ms
from bench.peer.figures import OURS, PeerReport, called, middle, ratios, sides
from bench.plots import Bar, BarPlot
from bench.report_page import Page, Table

_EQUAL: Final = {
    "load": "The same client, speech and pacing for both; a call of one turn before each run; runs taken in turns.",
    "minds": "Final text 0 ms after the end of speech, twelve words at once, a 2 s tone at once, on both sides.",
    "counted": "Processor time of the server with all its children, which on our side are Redis and the server itself.",
    "ours": "The whole call path: recording and its upload, events and journal, state machine, turn rules.",
    "pipecat default": "The framework's example: FastAPI on uvloop, its Twilio serializer, Silero, smart-turn, RTVI, "
    "turn tracking, metrics. It logs warnings only. It records nothing.",
    "pipecat lean": "The same without smart-turn, RTVI, turn tracking and metrics.",
    "end of turn": "Both wait for silence before they answer: the framework 0.2 s, ours by its own rules (the floor). "
    "The response tells of that wait first of all, the cost per call does not.",
}


def page(report: PeerReport) -> Page:
    known = {name: ratio for name, ratio in report.ratio_core_per_call.items() if ratio is not None}
    said = ", ".join(
        f"{ratio:.1f} times as much for the {name} profile (by round: "
        f"{', '.join(f'{one:.1f}' for one in ratios(report, name))})"
        for name, ratio in known.items()
    )
    costs = {side: middle(report, side, lambda run: run.core_per_call) for side in sides(report)}
    results = {f"pipecat {name} by ours, core per call": f"{ratio:.1f}" for name, ratio in known.items()}
    results |= {
        f"of a core for a call, {called(side)}": f"{cost:.4f}" for side, cost in costs.items() if cost is not None
    }
    return Page(
        title=f"Sales OS and pipecat, {report.calls} calls on one core",
        summary=f"A call takes of a core, against ours: {said}." if said else "No round counts: see the table.",
        results=results,
        plots=[
            _bars(report, "Cost of a call", "of a core", [("", lambda run: run.core_per_call)]),
            _bars(
                report,
                "Response",
                "ms",
                [("p50", lambda run: run.response_ms.p50), ("p95", lambda run: run.response_ms.p95)],
                f"Our own voice activity takes {ms(report.floor.response_ms)} ms of it by itself.",
            ),
            _bars(
                report,
                "Barge-in",
                "ms",
                [("p50", lambda run: run.barge_in_ms.p50), ("p95", lambda run: run.barge_in_ms.p95)],
            ),
            _bars(report, "Memory of a call", "MB", [("", lambda run: run.mb_per_call)]),
        ],
        tables=[_table(report)],
        meanings={**_EQUAL, **MEANINGS},
        facts={"pipecat ran with": ", ".join(f"{name} {version}" for name, version in report.peer.items())},
    )


def _bars(
    report: PeerReport,
    title: str,
    unit: str,
    figures: list[tuple[str, Callable[[LoadRun], float | None]]],
    note: str = "",
) -> BarPlot:
    bars = [
        Bar(f"{called(side)} {name}".strip(), figure, "ours" if side == OURS else "pipecat")
        for side in sides(report)
        for name, value in figures
        if (figure := middle(report, side, value)) is not None
    ]
    return BarPlot(title, unit, bars, note)


def _table(report: PeerReport) -> Table:
    columns = ["round", "core/call", "MB/call", "turns", "unanswered", "response p50", "p95", "barge-in p50", "p95"]
    columns += ["underruns", "jitter p99", "stolen s", "client late p99"]
    rows = [
        (
            f"{number} {called(side)}{' (void)' if one.void else ''}",
            f"{run.core_per_call:.5f}",
            f"{run.mb_per_call:.2f}",
            str(run.response_ms.count),
            str(run.unanswered),
            ms(run.response_ms.p50),
            ms(run.response_ms.p95),
            ms(run.barge_in_ms.p50),
            ms(run.barge_in_ms.p95),
            str(run.underruns),
            ms(run.pacing_jitter_ms.p99),
            f"{run.stolen_s:.2f}",
            f"{run.late_p99_ms:.1f}",
        )
        for number, one in enumerate(report.rounds, 1)
        for side, run in one.runs.items()
    ]
    odd = [f"round {number}: {reason}" for number, one in enumerate(report.rounds, 1) for reason in one.void]
    return Table("Rounds", columns, rows, " · ".join(["Times in ms.", *odd]))
