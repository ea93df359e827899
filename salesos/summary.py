"""Is the summary of a call whole, and what does it say? Sans-I/O.

A summary is the object that the CRM gives for `GET /api/calls/{id}`.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

TERMINAL: Final = ("ended", "failed")
# What `salesos call --json` promises, in this order.
KEYS: Final = (
    *("call_id", "state", "outcome", "answered_by", "duration_s", "turns", "barge_ins", "waterfall", "recording"),
    *("lead", "ledger", "events"),
)
TURN_KEYS: Final = ("speaker", "text", "heard_text", "started_ms", "ended_ms", "response_ms", "interrupted")
RECORDING_KEYS: Final = ("uri", "path", "channels", "duration_s")
LEAD_KEYS: Final = ("id", "status", "score", "do_not_call")
LEDGER_KEYS: Final = ("reserved", "settled", "balance_before", "balance_after")
STAGES: Final = (
    *("vad_ms", "end_of_turn_ms", "transcript_ms", "first_token_ms", "first_audio_ms", "sent_ms", "played_ms"),
)
NEVER_ANSWERED: Final = ("line_busy", "no_answer", "refused")


def faults(summary: Mapping[str, Any]) -> list[str]:
    """Return what is missing, one phrase each; empty when the call is over and every part is there."""
    found = [f"{key} is missing" for key in KEYS if key not in summary]
    if found:
        return found
    if summary["state"] not in TERMINAL:
        found.append(f"the call is still {summary['state']}")
    if not summary["outcome"]:
        found.append("outcome is missing")
    found += _missing("lead", summary["lead"], LEAD_KEYS)
    found += _missing("ledger", summary["ledger"], LEDGER_KEYS)
    for name, value in (summary["ledger"] or {}).items():
        if not isinstance(value, int):
            found.append(f"ledger.{name} is not a whole number of thousandths")
    if not summary["events"]:
        found.append("no event arrived")
    if was_answered(summary):
        found += _faults_of_conversation(summary)
    return found


def was_answered(summary: Mapping[str, Any]) -> bool:
    """Say whether somebody or something picked up."""
    return summary["state"] == "ended" or bool(summary["turns"]) or summary["answered_by"] is not None


def goal_reached(summary: Mapping[str, Any]) -> bool:
    return summary.get("state") == "ended" and summary.get("outcome") == "goal_reached"


def response_times(summary: Mapping[str, Any]) -> list[int]:
    """Return how fast the agent answered, turn by turn, in ms."""
    return [turn["response_ms"] for turn in summary.get("turns", ()) if turn.get("response_ms") is not None]


def stage_medians(waterfall: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return the median of each stage that was timed, in the order of the way through, in ms."""
    medians = []
    for stage in STAGES:
        values = [row[stage] for row in waterfall if row.get(stage) is not None]
        if values:
            medians.append((stage, round(median(values))))
    return medians


def _faults_of_conversation(summary: Mapping[str, Any]) -> list[str]:
    found = []
    if summary["answered_by"] is None:
        found.append("answered_by is missing")
    if not summary["turns"]:
        found.append("there is no turn")
    for turn in summary["turns"]:
        found += _missing("turn", turn, TURN_KEYS)
    if response_times(summary) and not summary["waterfall"]:
        found.append("no answer has its waterfall")
    for row in summary["waterfall"]:
        found += _missing("waterfall", row, ("turn", *STAGES))
    found += _missing("recording", summary["recording"], RECORDING_KEYS)
    return found


def _missing(name: str, part: Mapping[str, Any] | None, keys: Sequence[str]) -> list[str]:
    if part is None:
        return [f"{name} is missing"]
    return [f"{name}.{key} is missing" for key in keys if key not in part]
