"""What a load run is worth, and how many calls a core carries."""

from typing import Any

import msgspec
import pytest

from bench.floor import Floor
from bench.load_report import LoadReport, LoadRun, Spread, faults_of, max_calls, repeated, spread, table


def run(calls: int, p95: float | None, **changes: Any) -> LoadRun:
    values: dict[str, Any] = dict.fromkeys(LoadRun.__struct_fields__, 0)
    values |= {"calls": calls, "void": (), "seconds": 60.0, "core_per_call": 0.007, "mb_per_call": 0.4}
    values |= {"response_ms": Spread(9, 300.0, p95, p95, p95), "barge_in_ms": spread([200.0]), "void_tries": ()}
    values |= {"pacing_jitter_ms": spread([1.0]), "ahead_ms": spread([180.0]), "loop_lag_ms": spread([0.0])}
    return LoadRun(**(values | changes))


def test_the_most_calls_are_those_whose_p95_stays_near_the_baseline() -> None:
    assert max_calls([run(8, 300.0), run(20, 320.0), run(80, 349.0), run(120, 350.0)], 8) == 80
    assert max_calls([run(1, 500.0), run(8, 300.0), run(20, 320.0)], 8) == 20


@pytest.mark.parametrize(
    ("changes", "carried"),
    [
        ({"underruns": 4}, True),  # 80 calls for 60 s are 4800 call-seconds
        ({"underruns": 5}, False),
        ({"lost_calls": 1}, False),
        ({"unanswered": 1}, False),  # of ten turns
        ({"void": ("stolen",)}, False),
    ],
)
def test_a_core_does_not_carry_calls_that_stutter_or_get_no_answer(changes: dict[str, Any], carried: bool) -> None:
    assert max_calls([run(8, 300.0), run(80, 310.0, **changes)], 8) == (80 if carried else 8)


def test_a_void_run_says_nothing_and_a_void_baseline_leaves_nothing_to_compare_with() -> None:
    void = {"void": ("stolen",)}
    assert max_calls([run(1, 300.0), run(20, 320.0, **void)], 1) == 1
    assert max_calls([run(1, 300.0, **void), run(20, 320.0)], 1) is None
    assert max_calls([run(1, None), run(20, 320.0)], 1) is None
    assert max_calls([], 8) is None


def test_a_repeated_run_tells_why_the_others_do_not_count() -> None:
    last = repeated([run(8, 900.0, void=("stolen", "late")), run(8, 300.0)])
    assert (last.void, last.void_tries, last.response_ms.p95) == ((), ("stolen; late",), 300.0)


@pytest.mark.parametrize(
    ("stolen_s", "late_p99_ms", "faults"), [([3.0, 0.5], 10.0, 0), ([3.1, 0.0], 0.0, 1), ([9.0], 11.0, 2)]
)
def test_a_run_is_void_by_stolen_time_or_a_late_client(stolen_s: list[float], late_p99_ms: float, faults: int) -> None:
    assert len(faults_of(60.0, stolen_s, late_p99_ms)) == faults


def test_percentiles_of_nothing_are_none() -> None:
    assert spread([]) == Spread(0, None, None, None, None)
    assert spread([1.0, 3.0]).p50 == 2.0


def test_the_json_has_the_keys_that_others_read() -> None:
    report = msgspec.to_builtins(LoadReport((run(1, 300.0),), 1, Floor(280.0, 90.0), 1))
    assert set(report) == {"runs", "max_calls", "floor", "baseline_calls", "sockets"}
    (first,) = report["runs"]
    assert {"calls", "core_per_call", "mb_per_call", "response_ms", "barge_in_ms", "underruns", "stolen_s"} <= set(
        first
    )
    assert {"p50", "p95"} <= set(first["response_ms"]) & set(first["barge_in_ms"])


def test_the_table_names_what_is_odd() -> None:
    odd = run(1, 300.0, void=("stolen",), void_tries=("late",), unanswered=2, others_s=12.0)
    text = table(LoadReport((odd,), None, Floor(None, None), 1))
    assert "repeated: late" in text
    assert "VOID: stolen" in text
    assert "2 unanswered" in text
    assert "others used 20%" in text
    assert "unknown" in text


def test_the_table_tells_what_sockets_alone_cost() -> None:
    alone = run(120, None, core_per_call=0.003, void=("stolen",))
    text = table(LoadReport((run(1, 300.0),), 1, Floor(None, None), 1, alone))
    assert "0.00300 core/call for sockets alone, 120 calls, VOID: stolen" in text
