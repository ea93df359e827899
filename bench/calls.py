"""Places calls through a running system's command line, a few at a time, and reports how fast the agent answers.

It measures from outside, as an operator would: every figure comes from the JSON summary of `salesos call`.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import Any, Final

CALL_TIMEOUT_S: Final = 300.0
STAGES: Final = (
    "vad_ms",
    "end_of_turn_ms",
    "transcript_ms",
    "first_token_ms",
    "first_audio_ms",
    "sent_ms",
    "played_ms",
)


def place_calls(persona: str, count: int, at_once: int) -> list[dict[str, Any]]:
    """Place `count` calls, `at_once` at the same time, and return their summaries; failed ones hold `error`."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(place_call, [persona] * count))


def report(summaries: Sequence[dict[str, Any]]) -> str:
    """Return the figures as lines for people."""
    good = [summary for summary in summaries if "error" not in summary]
    lines = [f"calls: {len(summaries)}, with a summary: {len(good)}"]
    outcomes = sorted(f"{summary['state']} · {summary['outcome']}" for summary in good)
    lines += [f"  {outcomes.count(outcome):>4}  {outcome}" for outcome in dict.fromkeys(outcomes)]
    rows = [("response_ms", [turn["response_ms"] for summary in good for turn in summary["turns"]])]
    rows += [(stage, [row[stage] for summary in good for row in summary["waterfall"]]) for stage in STAGES]
    rows.append(("barge-in stop", [stop["stopped_after_ms"] for summary in good for stop in summary["barge_ins"]]))
    lines.append(f"{'':<16}{'n':>6}{'p50':>8}{'p95':>8}{'max':>8}")
    lines += [line for name, values in rows if (line := _row(name, values))]
    return "\n".join(lines)


def _row(name: str, values: Iterable[int | None]) -> str:
    known = sorted(value for value in values if value is not None)
    if not known:
        return ""
    cuts = quantiles(known, n=100, method="inclusive") if len(known) > 1 else known * 99
    return f"{name:<16}{len(known):>6}{cuts[49]:>8.0f}{cuts[94]:>8.0f}{known[-1]:>8.0f}"


def place_call(persona: str) -> dict[str, Any]:
    """Place one call and return its summary, or an `error`."""
    command = [sys.executable, "-m", "salesos", "call", "--persona", persona, "--json"]
    result = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, timeout=CALL_TIMEOUT_S, check=False
    )
    try:
        answer = json.loads(result.stdout)
    except json.JSONDecodeError:
        return {"error": {"message": result.stderr[-500:]}}
    return dict(answer)
