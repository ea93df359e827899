"""Twice the load: the rule that judges it, and the whole check with a handful of calls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load_report import spread
from bench.overload_report import Overload, Side, drift_of, faults_of, page, table
from bench.report_page import render


def side(*response_ms: float) -> Side:
    return Side(spread(response_ms), 0, 0, 60.0)


def overload(**changes: object) -> Overload:
    values: dict[str, object] = {
        "sustainable": 100,
        "offered": 200,
        "admitted": 120,
        "refused": {"node_overloaded": 79, "node_full": 1},
        "before": side(*range(400, 500)),
        "during": side(*range(410, 510)),
        "newcomers": side(),
        "drift_p95_ms": 10.0,
        "lost": 0,
        "others_share": 0.01,
        "faults": (),
        "void": (),
        "ok": True,
    }
    return Overload(**(values | changes))  # type: ignore[arg-type]  # checked by the struct's users below


@pytest.mark.parametrize(
    ("before", "during", "drift_ms"),
    [
        (side(*[500.0] * 9), side(*[600.0] * 9), 100.0),
        (side(*[500.0] * 9), side(*[480.0] * 9), -20.0),
        (side(*[500.0] * 4), side(*[600.0] * 9), None),
        (side(*[500.0] * 9), side(), None),
    ],
)
def test_drift_is_of_the_same_calls_and_needs_answers(before: Side, during: Side, drift_ms: float | None) -> None:
    assert drift_of(before, during) == drift_ms


@pytest.mark.parametrize(
    ("drift_ms", "refused", "lost", "admitted", "told"),
    [
        (100.0, {"node_overloaded": 80}, 0, 120, ()),
        (-30.0, {}, 0, 200, ()),
        (101.0, {"node_overloaded": 80}, 0, 120, ("grew by 101 ms",)),
        (None, {"node_overloaded": 80}, 0, 120, ("too few answers",)),
        (5.0, {"node_overloaded": 80}, 2, 120, ("2 calls that had been taken",)),
        (5.0, {"no_reason": 3, "node_full": 77}, 0, 120, ("3 calls were refused without a reason",)),
        (5.0, {"not_connected": 80}, 0, 120, ("80 calls were refused without a reason",)),
        (5.0, {"node_full": 70}, 0, 120, ("of 200 calls 120 were admitted and 70 refused",)),
    ],
)
def test_the_rule(
    drift_ms: float | None, refused: dict[str, int], lost: int, admitted: int, told: tuple[str, ...]
) -> None:
    found = faults_of(drift_ms, refused, lost, 200, admitted)
    assert len(found) == len(told)
    assert all(part in fault for part, fault in zip(told, found, strict=True)), found


def test_people_read_who_was_refused_and_why() -> None:
    text = table(overload())
    assert "offered 200: 120 admitted, refused: 1 node_full, 79 node_overloaded" in text
    assert text.endswith("\nok")
    assert "others used" not in text
    assert "others used 30% of the server's core" in table(overload(others_share=0.3))
    broken = table(overload(refused={}, ok=False, void=("stolen",), faults=("lost",), drift_p95_ms=None))
    assert "nothing was refused" in broken
    assert "VOID: stolen\nnot ok: lost" in broken
    assert "Twice the load" in render(page(overload()), {})


@pytest.mark.timeout(120)
def test_a_handful_of_calls_is_admitted_or_refused_with_a_reason(tmp_path: Path) -> None:
    """Whether the machine is quiet enough for `ok` is not this test's question."""
    report = tmp_path / "overload.json"
    cores = sorted(os.sched_getaffinity(0))
    words = ["overload", "--sustainable", "4", "--max-calls", "6", "--seconds", "8", "--arrive-s", "1"]
    options = ["--server-core", str(cores[0]), "--client-core", str(cores[-1]), "--json", str(report)]
    command = [sys.executable, "-m", "salesos", "bench", *words, *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert report.is_file(), result.stderr
    found = json.loads(report.read_text())
    assert result.returncode == (0 if found["ok"] else 1)
    assert (found["sustainable"], found["offered"], found["lost"]) == (4, 8, 0)
    assert found["admitted"] + sum(found["refused"].values()) == 8
    assert found["admitted"] <= 6
    assert set(found["refused"]) <= {"node_full", "node_overloaded"}
    assert found["before"]["response_ms"]["count"] > 0
    assert 0 <= found["others_share"] < 2
