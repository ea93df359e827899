"""The report of load runs: percentiles and cost over the number of calls, the table, and what each figure means."""

from collections.abc import Callable
from typing import Final

from bench.load_report import DRIFT_MS, LoadReport, LoadRun, ms, remarks
from bench.plots import Line, LinePlot, level
from bench.report_page import Page, Table

MEANINGS: Final = {
    "core per call": "Processor time of the server with all its children, by time and calls: at 0.005 a core has 200.",
    "MB per call": "Resident memory beyond the idle server, by calls. The first calls load what is loaded once.",
    "response": "From the last frame with voice sent to the first sound of the answer played, by the client's clock.",
    "barge-in": "From the first frame with voice of an interruption sent to the order to drop what is queued.",
    "floor": "What the product's own voice activity takes by itself, replayed on the same audio.",
    "underruns": "An answer fell silent in its middle and went on.",
    "jitter": "How far a packet came from when it was due, one packet's length after the one before.",
    "ahead": "What the carrier had left to play when the next packet came: the stall that nobody would have heard.",
    "loop lag": "How late the server's 20 ms clock ticked.",
    "void": "More than 5 % of a core's time was stolen, or the client's own sends were late (p99 above 10 ms): the run "
    "shows the machine, not the server.",
}


def page(report: LoadReport) -> Page:
    good = [run for run in report.runs if not run.void]
    most = "unknown" if report.max_calls is None else str(report.max_calls)
    shown = next((run for run in good if run.calls == report.max_calls), None)
    results = {"calls on one core": most}
    if shown is not None:
        results |= {
            f"of a core for a call, at {shown.calls}": f"{shown.core_per_call:.4f}",
            f"response p95 in ms, at {shown.calls}": ms(shown.response_ms.p95),
            f"barge-in p95 in ms, at {shown.calls}": ms(shown.barge_in_ms.p95),
        }
    return Page(
        title="Calls on one core",
        summary=(
            f"The most calls that one core carried: {most}. Carried means a p95 of the response within {DRIFT_MS:.0f} "
            f"ms of that with {report.baseline_calls} calls, at most one underrun in 1000 call-seconds, and every call "
            "answered. Simulated carrier calls against the product's whole call path; only recogniser, model and voice "
            "take no time."
        ),
        results=results,
        plots=[
            _over_calls(
                "Response",
                "ms",
                [
                    ("p50", _each(good, lambda run: run.response_ms.p50)),
                    ("p95", _each(good, lambda run: run.response_ms.p95)),
                    ("p99", _each(good, lambda run: run.response_ms.p99)),
                ],
                ("floor", report.floor.response_ms),
            ),
            _over_calls(
                "Barge-in",
                "ms",
                [
                    ("p50", _each(good, lambda run: run.barge_in_ms.p50)),
                    ("p95", _each(good, lambda run: run.barge_in_ms.p95)),
                ],
                ("floor", report.floor.barge_in_ms),
            ),
            _over_calls(
                "Cost of a call",
                "of a core",
                [("core per call", _each(good, lambda run: run.core_per_call))],
                ("sockets alone", report.sockets.core_per_call if report.sockets is not None else None),
                "Sockets alone: the product's socket, parser and an answer, at the largest number of calls.",
            ),
            _over_calls(
                "Time in hand",
                "ms",
                [
                    ("ahead, p5", _each(good, lambda run: run.ahead_ms.p5)),
                    ("ahead, least", _each(good, lambda run: run.ahead_ms.min)),
                    ("jitter p99", _each(good, lambda run: run.pacing_jitter_ms.p99)),
                    ("loop lag p99", _each(good, lambda run: run.loop_lag_ms.p99 if run.loop_lag_ms else None)),
                ],
                None,
                "While the audio sent ahead stays above jitter and lag, nobody hears of either.",
            ),
        ],
        tables=[_table(report)],
        meanings=MEANINGS,
        facts={"measured for": ", ".join(f"{run.calls} calls {run.seconds:.0f} s" for run in report.runs)},
    )


def _over_calls(
    title: str,
    unit: str,
    lines: list[tuple[str, list[tuple[float, float]]]],
    floor: tuple[str, float | None] | None,
    note: str = "",
) -> LinePlot:
    drawn = [Line(name, points) for name, points in lines if points]
    if floor is not None and floor[1] is not None:
        drawn.append(level(floor[0], floor[1]))
    return LinePlot(title, "calls", unit, drawn, note)


def _each(runs: list[LoadRun], value: Callable[[LoadRun], float | None]) -> list[tuple[float, float]]:
    ordered = sorted(runs, key=lambda run: run.calls)
    return [(float(run.calls), y) for run in ordered if (y := value(run)) is not None]


def _table(report: LoadReport) -> Table:
    columns = [
        "calls",
        "core/call",
        "MB/call",
        "response p50",
        "p95",
        "p99",
        "barge-in p50",
        "p95",
        "turns",
        "underruns",
    ]
    columns += ["jitter p99", "ahead p5", "lag p99", "stolen s", "client late p99"]
    rows = []
    for run in report.runs:
        response, barge = run.response_ms, run.barge_in_ms
        rows.append(
            (
                f"{run.calls}{' (void)' if run.void else ''}",
                f"{run.core_per_call:.5f}",
                f"{run.mb_per_call:.2f}",
                ms(response.p50),
                ms(response.p95),
                ms(response.p99),
                ms(barge.p50),
                ms(barge.p95),
                str(response.count),
                str(run.underruns),
                ms(run.pacing_jitter_ms.p99),
                ms(run.ahead_ms.p5),
                ms(run.loop_lag_ms.p99 if run.loop_lag_ms else None),
                f"{run.stolen_s:.2f}",
                f"{run.late_p99_ms:.1f}",
            )
        )
    odd = [f"{run.calls} calls: {remark}" for run in report.runs for remark in remarks(run)]
    return Table("Runs", columns, rows, "Times in ms. " + " · ".join(odd))
