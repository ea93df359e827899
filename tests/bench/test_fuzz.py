"""What a run of fuzzing makes of what it finds; the attacks themselves, small, against a server of their own."""

import asyncio
import io

import msgspec
import pytest

from bench import fuzz
from bench.attacks import ATTACKS, SLOW
from bench.bystander import Noticed
from bench.fuzz import FuzzReport, Held, fuzz_parser
from bench.fuzz_report import page, summary
from bench.inventory import Inventory
from bench.load_report import spread
from bench.report_page import render
from bench.server_process import our_command, read_stats, running

HELD = Held(2, Inventory(10, 4, 30, 9, 100_000_000, 2, 4))
NOTICED = Noticed(
    calls=2,
    seconds=60.0,
    response_ms=spread([500.0, 510.0]),
    barge_in_ms=spread([90.0]),
    late_p99_ms=2.0,
    underruns=0,
    unanswered=0,
    broken_off=0,
    lost_calls=0,
)


def held(**changed: int) -> Held:
    calls = changed.pop("calls", HELD.calls)
    return Held(calls, msgspec.structs.replace(HELD.inventory, **changed))


def test_the_parser_is_fuzzed_and_refuses_most() -> None:
    parsed = fuzz_parser(0.2, seed=3)
    assert parsed.faults == []
    assert 0 < parsed.refused < parsed.messages


def test_a_parser_that_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(message: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr("telephony.twilio.messages.parse", breaks)
    parsed = fuzz_parser(0.2, seed=3)
    assert len(parsed.faults) == fuzz.FAULTS_KEPT
    assert parsed.faults[0].startswith("parser: RecursionError")


def test_what_a_server_keeps_is_a_leak() -> None:
    assert fuzz.leaks(HELD, held(tasks=12, rss_bytes=109_000_000)) == []
    assert fuzz.leaks(HELD, held(threads=4 + fuzz.THREADS_SPARE)) == [], "a pool that has filled up"
    assert fuzz.leaks(HELD, held(threads=5 + fuzz.THREADS_SPARE)) != []
    assert fuzz.leaks(HELD, held(calls=3)) == ["3 live calls, not 2"]
    assert fuzz.leaks(HELD, held(sockets=40, fds=61)) == ["fds: 30 before, 61 after", "sockets: 9 before, 40 after"]
    assert fuzz.leaks(HELD, held(rss_bytes=120_000_000)) == ["resident size grew by 20%"]


def test_a_gap_is_excused_by_the_callers_own_lateness_and_a_lost_call_is_not() -> None:
    late = msgspec.structs.replace(NOTICED, underruns=3, late_p99_ms=40.0)
    assert fuzz._notices(late) == []
    assert fuzz._notices(msgspec.structs.replace(late, late_p99_ms=1.0)) == ["beside: 3 underruns"]
    assert fuzz._notices(msgspec.structs.replace(late, lost_calls=1)) == ["beside: 1 lost calls"]


def test_what_the_server_logs_is_a_fault_unless_it_is_meant() -> None:
    log = io.BytesIO(b'{"level":"WARNING","event":"uvicorn.error"}\n{"reason": "clock_jumped"}\n\nTraceback: x\n')
    assert fuzz._errors(log) == ["server: Traceback: x"]


def test_the_report_says_what_held_and_what_did_not() -> None:
    report = FuzzReport(
        seed=1,
        seconds=60.0,
        parser_messages=10,
        parser_refused=9,
        attacks={"flood": 3},
        dropped=1,
        before=HELD,
        after=HELD,
        beside=NOTICED,
        faults=(),
    )
    assert report.good
    assert summary(report).endswith("held")
    broken = msgspec.structs.replace(report, faults=("tasks: 10 before, 40 after",))
    assert not broken.good
    assert "FAULT: tasks: 10 before, 40 after" in summary(broken)
    assert "tasks: 10 before, 40 after" in render(page(broken), {})


@pytest.mark.timeout(110)
async def test_quick_attacks_end_as_decided_and_leave_nothing() -> None:
    async with running([*our_command(50, -1), "--log-level", "error"]) as server:
        for name in sorted(ATTACKS.keys() - SLOW):
            siege = fuzz.Siege(server, seed=5)
            await siege._attack([name])
            assert siege.faults == []
        for _ in range(200):
            if not (await read_stats(server))["calls"]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("calls are left")
