"""A small comparison from end to end, by the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(120)
def test_both_servers_are_measured_in_turns(tmp_path: Path) -> None:
    figures, page = tmp_path / "peer.json", tmp_path / "peer.html"
    cores = sorted(os.sched_getaffinity(0))
    options = ["--calls", "1", "--rounds", "1", "--tries", "1", "--seconds", "4", "--profile", "lean"]
    options += ["--peer-python", sys.executable, "--server-core", str(cores[0]), "--client-core", str(cores[-1])]
    command = [
        sys.executable,
        "-m",
        "salesos",
        "bench",
        "peer",
        *options,
        "--json",
        str(figures),
        "--report",
        str(page),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert figures.exists(), result.stderr
    report = json.loads(figures.read_text())
    assert set(report["ratio_core_per_call"]) == {"default", "lean"}
    (one,) = report["rounds"]
    assert list(one["runs"]) == ["ours", "lean"]
    assert all(run["core_per_call"] > 0 for run in one["runs"].values())
    # On a machine that is busy with other tests a round may be void, and says so by its status.
    assert result.returncode == (1 if one["void"] else 0)
    assert "Sales OS and pipecat" in page.read_text()


def test_an_unknown_interpreter_is_refused_with_the_remedy(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "salesos", "bench", "peer", "--peer-python", str(tmp_path / "none")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "--peer-python PATH" in result.stderr
