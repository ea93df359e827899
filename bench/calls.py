"""`salesos bench call`: whole calls, a few at a time, and where the time of their answers goes.

With the embedded providers it measures from outside, as an operator would: every figure comes from the JSON summary of
`salesos call`, through the system that runs in the data folder, or one of its own when none does. With providers behind
sockets the calls are simulated and go to a server of its own (`bench/socket_calls.py`).
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.load_report import Spread, ms, spread
from bench.report_page import Page
from bench.waterfall import Stage, page_table, plot, stages_of, table
from bench.whole_system import read_running, whole_system

CALL_TIMEOUT_S: Final = 300.0


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    providers: str
    calls: int
    outcomes: dict[str, int]
    response_ms: Spread
    barge_in_ms: Spread
    stages: tuple[Stage, ...]
    failures: tuple[str, ...]
    added_ms: Spread | None = None  # beyond the providers' time and the wait for the turn's end, where that is known
    apart_ms: float | None = None  # the callers' own response from the waterfall's end, at the median

    @property
    def good(self) -> bool:
        return not self.failures and bool(self.response_ms.count)


async def measure(persona: str, count: int, at_once: int, data: Path) -> CallReport:
    """Place the calls through the system of the data folder, or one of our own. Raises SystemFailed."""
    async with contextlib.AsyncExitStack() as stack:
        environment: Mapping[str, str] = os.environ
        if read_running(data) is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="salesos-bench-")))
            environment = (await stack.enter_async_context(whole_system(folder, {}))).environment
        return report_of("embedded", await asyncio.to_thread(place_calls, persona, count, at_once, environment))


def place_calls(
    persona: str, count: int, at_once: int, environment: Mapping[str, str] = os.environ
) -> list[dict[str, Any]]:
    """Place `count` calls, `at_once` at the same time, and return their summaries; failed ones hold `error`."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: place_call(persona, environment), range(count)))


def place_call(persona: str, environment: Mapping[str, str] = os.environ, agent: str = "") -> dict[str, Any]:
    """Place one call and return its summary, or an `error`. `agent`: who calls, if not the first."""
    command = [sys.executable, "-m", "salesos", "call", "--persona", persona, "--json"]
    command += ["--agent", agent] if agent else []
    result = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, timeout=CALL_TIMEOUT_S, check=False, env=dict(environment)
    )
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError:
        return {"error": {"message": result.stderr[-500:]}}
    return dict(answer)


def report_of(providers: str, summaries: Sequence[Mapping[str, Any]]) -> CallReport:
    """Return the figures of calls' summaries."""
    good = [summary for summary in summaries if "error" not in summary]
    responses = [turn["response_ms"] for summary in good for turn in summary["turns"]]
    return CallReport(
        providers=providers,
        calls=len(summaries),
        outcomes=dict(Counter(f"{summary['state']} · {summary['outcome']}" for summary in good).most_common()),
        response_ms=spread([value for value in responses if value is not None]),
        barge_in_ms=spread([stop["stopped_after_ms"] for summary in good for stop in summary["barge_ins"]]),
        stages=stages_of([row for summary in good for row in summary["waterfall"]]),
        failures=tuple(str(summary["error"]["message"]) for summary in summaries if "error" in summary),
    )


def lines_of(report: CallReport) -> str:
    """Return the figures as lines for people."""
    lines = [f"{report.calls} calls with {report.providers} providers, {len(report.failures)} failed"]
    lines += [f"  {count:>4}  {outcome}" for outcome, count in report.outcomes.items()]
    lines.append(f"{'':<16}{'n':>6}{'p50':>8}{'p95':>8}{'max':>8}")
    for name, values in (("response", report.response_ms), ("barge-in stop", report.barge_in_ms)):
        if values.count:
            lines.append(f"{name:<16}{values.count:>6}{ms(values.p50):>8}{ms(values.p95):>8}{ms(values.max):>8}")
    lines.append(table(report.stages))
    if report.added_ms is not None and report.added_ms.count:
        added = report.added_ms
        lines.append(f"added by us: p50 {ms(added.p50)}, p95 {ms(added.p95)}, max {ms(added.max)} ms")
    if report.apart_ms is not None:
        lines.append(f"the callers' median response is {report.apart_ms:+.1f} ms from the waterfall's")
    lines += [f"failed: {failure}" for failure in report.failures]
    return "\n".join(lines)


def page(report: CallReport) -> Page:
    """Return the report page."""
    return Page(
        title="Where the time of an answer goes",
        summary=(
            f"{report.calls} whole calls with {report.providers} providers: from the caller's last syllable to the "
            f"agent's first, half of {report.response_ms.count} answers took {ms(report.response_ms.p50)} ms or less."
        ),
        tables=[page_table(report.stages)],
        plots=[plot(report.stages)],
        results={"response p50 in ms": ms(report.response_ms.p50), "p95": ms(report.response_ms.p95)},
        meanings={
            "took": "Since the stage before it in the same answer.",
            "at": "Since the caller's last voiced sample.",
            "played": "The carrier echoed the mark behind the first packet.",
        },
    )
