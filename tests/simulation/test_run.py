"""Whole simulated calls: the same seed leaves the same trace, in every process, and a good run says so."""

import os
import subprocess
import sys
from pathlib import Path

from bench.sim.run import many, one
from bench.sim.scenario import draw


def test_calls_without_faults_hold() -> None:
    outcome = many(1, 12, ["eager"], [])
    assert outcome.good, outcome.found
    assert outcome.outcomes == {"goal_reached": 12}


def test_a_seed_is_one_call_whatever_the_hash_seed() -> None:
    """Sets are ordered anew in each process: nothing of a call may follow from their order."""
    code = "from bench.sim.run import many; print(many(7, 6).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(traces) == 1


def test_calls_are_the_same_in_several_processes() -> None:
    one_process, two = many(3, 12), many(3, 12, jobs=2)
    assert (two.trace, two.outcomes, two.turns) == (one_process.trace, one_process.outcomes, one_process.turns)


def test_other_seeds_are_other_calls(tmp_path: Path) -> None:
    first, _ = one(draw(1, ["eager"], []), tmp_path)
    second, _ = one(draw(2, ["eager"], []), tmp_path)
    assert first.trace() != second.trace()
