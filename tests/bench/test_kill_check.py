"""What is said of a call whose process was killed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.kill import KillReport, streamed_ms
from bench.kill_check import Evidence, check, phase_of
from bench.kill_report import line, page, summary
from bench.report_page import render
from events import call as events
from events.call import Outcome, State
from events.ids import new_id
from tests.bench.test_completeness import speech, wav_of

ORG, CALL = new_id(), new_id()
LIVE: tuple[events.Body, ...] = (
    events.StateChanged(State.DIALING, State.IDLE),
    events.Answered(),
    events.StateChanged(State.LISTENING, State.DIALING),
)
END: tuple[events.Body, ...] = (
    events.Finished(State.ENDED, Outcome.SERVICE_FAILURE, billable_s=4, reason="node_lost"),
    events.RecordingStored("file:///r.wav", "r.wav", 2, 4.0, 128_044, "00"),
    events.Closed(),
)


def journal_of(bodies: Sequence[events.Body], epoch: int = 1) -> list[events.Event]:
    now = datetime.now(UTC)
    return [events.Event(ORG, CALL, epoch, seq, now, body) for seq, body in enumerate(bodies, start=1)]


def told(found: Sequence[events.Event]) -> list[dict[str, Any]]:
    return [
        {
            "epoch": event.epoch,
            "seq": event.seq,
            "kind": events.kind_of(event.body),
            "body": msgspec.to_builtins(event.body),
        }
        for event in found
    ]


def posting(kind: str, **amounts: int) -> dict[str, Any]:
    return {"kind": kind, "entries": [{"account": name, "amount": amount} for name, amount in amounts.items()]}


def whole() -> Evidence:
    taken = told([*journal_of(LIVE), *journal_of(END, epoch=2)])
    return Evidence(
        journal=journal_of(LIVE),
        taken=taken,
        summary={"call_id": str(CALL), "events": len(taken), "closed": True, "ledger": {"settled": 667}},
        transactions=[posting("reserve", wallet=-900, held=900), posting("settle", held=-900, revenue=667, wallet=233)],
        recording=wav_of(np.stack([speech(1), speech(2)], axis=1)),
        said=wav_of(speech(1)),
        heard=wav_of(speech(2)),
        streamed_ms=4_500.0,
    )


def test_a_whole_call_has_no_fault() -> None:
    case = check("eager", whole())
    assert case.faults == ()
    assert (case.phase, case.lost_ms, case.journal_events, case.crm_events) == ("talking", 500.0, 3, 6)
    assert line(case).endswith("whole")


def test_a_recording_that_lacks_more_than_its_last_second_is_told() -> None:
    case = check("eager", replace(whole(), streamed_ms=5_100.0))
    assert case.faults == ("1100 ms of 5100 are not recorded",)
    assert "BROKEN" in line(case)
    nothing = check("eager", replace(whole(), recording=b""))
    assert "4500 ms of 4500 are not recorded" in nothing.faults
    swapped = check("eager", replace(whole(), said=whole().heard, heard=whole().said))
    assert [fault.split(":")[0] for fault in swapped.faults] == ["prospect", "agent"]
    assert "cannot be read" in check("eager", replace(whole(), recording=b"RIFF")).faults[0]


def test_events_that_are_lost_doubled_altered_or_out_of_line_are_told() -> None:
    evidence = whole()
    taken = list(evidence.taken)

    def faults(altered: list[Any]) -> str:
        summary = {**evidence.summary, "events": len(altered)}
        return "; ".join(check("eager", replace(evidence, taken=altered, summary=summary)).faults)

    assert "call.answered 1:2 did not arrive" in faults(taken[:1] + taken[2:])
    assert "epoch 1 has gaps" in faults(taken[:1] + taken[2:])
    assert "taken twice" in faults([*taken[:1], *taken])
    assert "call.answered 1:2 arrived altered" in faults([taken[0], {**taken[1], "body": {}}, *taken[2:]])
    assert "2 times recording.stored" in faults([*taken[:5], {**taken[4], "seq": 3}, {**taken[5], "seq": 4}])
    assert "not closed" in faults(taken[:-1])
    assert "7 events counted" in "".join(
        check("eager", replace(evidence, summary={**evidence.summary, "events": 7})).faults
    )


def test_money_that_is_taken_twice_or_stays_held_is_told() -> None:
    reserve, settle = whole().transactions
    twice = check("eager", replace(whole(), transactions=[reserve, settle, settle]))
    assert "2 times settle in the ledger" in twice.faults
    assert "charged 1334, told 667" in twice.faults
    held = check("eager", replace(whole(), transactions=[reserve]))
    assert "900 thousandths of a credit stay held" in held.faults


@pytest.mark.parametrize(
    ("bodies", "phase"),
    [
        ([], "idle"),
        (LIVE[:1], "dialing"),
        (LIVE, "talking"),
        ([*LIVE, events.StateChanged(State.ENDING, State.LISTENING)], "ending"),
        ([*LIVE, *END[:1]], "uploading"),
        ([*LIVE, *END], "closed"),
    ],
)
def test_the_phase_is_the_journals(bodies: Sequence[events.Body], phase: str) -> None:
    assert phase_of(journal_of(bodies)) == phase


def test_a_stream_lasts_to_the_kill_or_to_the_calls_own_end() -> None:
    account = {"stream_started_at": "2026-03-01T12:00:00+00:00", "ended_at": "2026-03-01T12:00:09+00:00"}
    began = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
    assert streamed_ms(account, began + 5) == 5_000
    assert streamed_ms(account, began + 20) == 9_000
    assert streamed_ms(account | {"ended_at": None}, began + 20) == 20_000
    assert streamed_ms({"stream_started_at": None}, began) is None


def test_the_report_counts_and_shows_every_case() -> None:
    cases = (check("eager", whole()), check("opt_out", replace(whole(), streamed_ms=5_100.0)))
    report = KillReport(2, 1, 1, 4.2, 60.0, cases, ("round 1: left on disk",))
    assert not report.good
    assert "1 of 2 calls whole" in summary(report)
    html = render(page(report), {})
    assert "1100 ms of 5100 are not recorded" in html
    assert "round 1: left on disk" in html
