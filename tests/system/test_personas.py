"""The table of personas: each call's outcome, lead and charge, all on the line at the same time."""

import json
import time
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.personas import TABLE
from events.money import credits_to_milli
from salesos import summary as summary_module
from salesos.api import Api, ApiRefused
from salesos.data_folder import Running
from tests.system.running import Up, salesos
from tests.system.table import HUMAN, PERSONAS, POLITE, Summaries, manners_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SEEDED = credits_to_milli(5_000)


@pytest.mark.parametrize("persona", PERSONAS)
def test_state_outcome_and_who_answered(persona: str, summaries: Summaries) -> None:
    summary, expected = summaries[persona], TABLE[persona]
    assert (summary["state"], summary["answered_by"]) == (expected.state, expected.answered_by), said(summary)
    assert summary["outcome"] in expected.outcomes, said(summary)


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_part_of_the_summary_is_there(persona: str, summaries: Summaries) -> None:
    assert summary_module.faults(summaries[persona]) == []


@pytest.mark.parametrize("persona", [name for name, expected in TABLE.items() if expected.lead_status])
def test_the_lead_follows_from_what_was_said(persona: str, summaries: Summaries) -> None:
    lead = summaries[persona]["lead"]
    assert lead["status"] == TABLE[persona].lead_status
    assert lead["do_not_call"] is (persona == "opt_out")


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_conversation_is_charged_and_nothing_else(persona: str, summaries: Summaries) -> None:
    ledger = summaries[persona]["ledger"]
    assert ledger["reserved"] > 0
    assert (ledger["settled"] > 0) is TABLE[persona].charged


def test_the_ledger_sums_to_zero_and_nothing_stays_reserved(summaries: Summaries, api: Api) -> None:
    charged = sum(summary["ledger"]["settled"] for summary in summaries.values())
    deadline = time.monotonic() + 60
    # The demonstration call runs beside these.
    while (ledger := api.ledger())["balances"]["held"] and time.monotonic() < deadline:
        assert ledger["sum"] == 0
        time.sleep(0.5)
    assert ledger["sum"] == 0
    assert ledger["balances"]["held"] == 0
    assert ledger["balances"]["revenue"] > charged
    assert ledger["balances"]["wallet"] + ledger["balances"]["revenue"] == SEEDED


@pytest.mark.parametrize("persona", PERSONAS)
def test_only_those_interrupt_who_mean_to(persona: str, summaries: Summaries) -> None:
    summary, (fewest, most) = summaries[persona], TABLE[persona].barge_ins
    assert fewest <= len(summary["barge_ins"]) <= most, said(summary)
    assert bool(fewest) <= any(turn["interrupted"] for turn in summary["turns"])


@pytest.mark.parametrize("persona", POLITE)
def test_nobody_is_cut_short_and_nothing_is_taken_for_a_voice(
    persona: str, summaries: Summaries, running: Running
) -> None:
    assert manners_of(summaries[persona], running) == ([], []), said(summaries[persona])


def test_an_opt_out_is_kept_at_the_next_dial(summaries: Summaries, api: Api) -> None:
    with pytest.raises(ApiRefused) as refused:
        api.place_call({"lead_id": summaries["opt_out"]["lead"]["id"]})
    assert refused.value.code == "do_not_call"


def test_a_call_back_becomes_a_task_with_the_time_said(summaries: Summaries, api: Api) -> None:
    tasks = api.lead(summaries["in_a_hurry"]["lead"]["id"])["tasks"]
    assert [task["due_text"] for task in tasks] == ["tomorrow at three"]


def test_objections_are_on_the_record(summaries: Summaries, api: Api) -> None:
    assert api.lead(summaries["objector"]["lead"]["id"])["objections"]
    assert summaries["objector"]["objections"], said(summaries["objector"])


def test_what_was_said_is_understood_and_noted(summaries: Summaries, api: Api) -> None:
    callers = [turn for turn in summaries["objector"]["turns"] if turn["speaker"] == "caller" and turn["text"]]
    assert all(turn["mood"] in ("negative", "neutral", "positive") for turn in callers)
    for persona in ("eager", "objector", "opt_out"):
        notes = api.call(summaries[persona]["call_id"])["notes"]
        assert (notes["status"], notes["source"]) == ("written", "script"), notes
        assert notes["summary"]


@pytest.mark.parametrize("persona", [name for name, expected in TABLE.items() if expected.state == "ended"])
def test_the_recording_has_two_channels_and_the_whole_call(persona: str, summaries: Summaries) -> None:
    recording = summaries[persona]["recording"]
    with wave.open(recording["path"]) as file:
        assert file.getnchannels() == recording["channels"] == 2
        duration_s = file.getnframes() / file.getframerate()
    assert duration_s == pytest.approx(recording["duration_s"], abs=0.05)
    last_word_s = max(turn["ended_ms"] for turn in summaries[persona]["turns"]) / 1000
    assert duration_s >= last_word_s - 0.1


def test_recordings_lie_in_the_store(summaries: Summaries, up: Up) -> None:
    assert Path(summaries["eager"]["recording"]["path"]).is_relative_to(up.data / "store")


def test_json_is_one_object_on_standard_output(up: Up) -> None:
    result = salesos(up, "call", "--persona", "busy", "--json")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["outcome"] == "line_busy"
    assert tuple(summary)[: len(summary_module.KEYS)] == summary_module.KEYS


def test_a_refused_call_is_one_object_too(up: Up) -> None:
    result = salesos(up, "call", "--to", "+1911", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["error"]["code"] == "number_kind_refused", "emergency numbers are never called"
    assert "number_kind_refused" in result.stderr


def test_a_human_voice_is_heard_as_a_turn(summaries: Summaries) -> None:
    summary = summaries.get(HUMAN)
    if summary is None:
        pytest.skip("no recording of a human voice here")
    assert summary_module.faults(summary) == []
    turns = summary["turns"]
    longest_ms, last = max(
        (turn["ended_ms"] - turn["started_ms"], number)
        for number, turn in enumerate(turns)
        if turn["speaker"] == "caller"
    )
    assert longest_ms > 1_000, said(summary)
    assert turns[last + 1]["speaker"] == "agent", "the agent answered"


def said(summary: Mapping[str, Any]) -> str:
    """Return the conversation, for the message of a failed test."""
    return "\n".join(f"{turn['started_ms']:>7} {turn['speaker']}: {turn['heard_text']}" for turn in summary["turns"])
