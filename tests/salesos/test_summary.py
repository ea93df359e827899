"""The summary of a call: whole or not, and which part is missing."""

import copy
from typing import Any

import pytest

from salesos import summary

STAGES = dict.fromkeys(summary.STAGES, 100)
TURN = {
    "speaker": "agent",
    "text": "Hello there.",
    "heard_text": "Hello there.",
    "started_ms": 0,
    "ended_ms": 900,
    "response_ms": 400,
    "interrupted": False,
}
WHOLE: dict[str, Any] = {
    "call_id": "1",
    "state": "ended",
    "outcome": "goal_reached",
    "answered_by": "human",
    "duration_s": 30.5,
    "turns": [TURN],
    "barge_ins": [],
    "waterfall": [{"turn": 1, **STAGES}],
    "recording": {"uri": "file:///r.wav", "path": "/r.wav", "channels": 2, "duration_s": 30.0},
    "lead": {"id": "2", "status": "meeting_booked", "score": 80, "do_not_call": False},
    "ledger": {"reserved": 1000, "settled": 500, "balance_before": 5000, "balance_after": 4500},
    "events": 20,
}
NEVER_ANSWERED = WHOLE | {
    "state": "failed",
    "outcome": "line_busy",
    "answered_by": None,
    "turns": [],
    "waterfall": [],
    "recording": None,
}


def test_a_whole_summary_has_no_fault() -> None:
    assert summary.faults(WHOLE) == []
    assert summary.goal_reached(WHOLE)


def test_a_call_that_nobody_answered_needs_neither_turns_nor_recording() -> None:
    assert summary.faults(NEVER_ANSWERED) == []
    assert not summary.goal_reached(NEVER_ANSWERED)


@pytest.mark.parametrize("key", summary.KEYS)
def test_every_part_is_needed(key: str) -> None:
    assert summary.faults({name: value for name, value in WHOLE.items() if name != key}) == [f"{key} is missing"]


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("state", "speaking", "the call is still speaking"),
        ("outcome", None, "outcome is missing"),
        ("answered_by", None, "answered_by is missing"),
        ("turns", [], "there is no turn"),
        ("turns", [{"speaker": "agent", "response_ms": 3}], "turn.text is missing"),
        ("waterfall", [], "no answer has its waterfall"),
        ("waterfall", [{"turn": 1}], "waterfall.vad_ms is missing"),
        ("recording", None, "recording is missing"),
        ("recording", {"uri": "file:///r.wav"}, "recording.channels is missing"),
        ("lead", None, "lead is missing"),
        ("ledger", None, "ledger is missing"),
        ("ledger", WHOLE["ledger"] | {"settled": None}, "ledger.settled is not a whole number of thousandths"),
        ("events", 0, "no event arrived"),
    ],
)
def test_a_part_without_its_content_is_a_fault(key: str, value: object, fault: str) -> None:
    broken = copy.deepcopy(WHOLE) | {key: value}
    assert fault in summary.faults(broken)


def test_medians_leave_out_what_was_not_timed() -> None:
    rows: list[dict[str, int | None]] = [
        {"vad_ms": 10, "sent_ms": None},
        {"vad_ms": 30, "sent_ms": 7},
        {"vad_ms": None},
    ]
    assert summary.stage_medians(rows) == [("vad_ms", 20), ("sent_ms", 7)]
    assert summary.response_times({"turns": [TURN, TURN | {"response_ms": None}]}) == [400]
