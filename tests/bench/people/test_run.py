"""`salesos bench people` from end to end, small: what it finds has its keys, and people really heard each other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ["--rounds", "1", "--bursts", "2", "--clicks", "2", "--legs", "2", "--listeners", "3", "--windows", "1"]


@pytest.mark.timeout(90)
def test_people_are_put_on_calls(tmp_path: Path) -> None:
    report = tmp_path / "people.json"
    cores = sorted(os.sched_getaffinity(0))
    options = ["--seconds", "1", "--server-core", str(cores[0]), "--client-core", str(cores[-1]), "--json", str(report)]
    command = [sys.executable, "-m", "salesos", "bench", "people", *SMALL, *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    # 1: a goal was missed. Which ones are met is for a machine that does nothing else.
    assert result.returncode in (0, 1), result.stderr
    assert "mouth_to_ear_ms.p50" in result.stdout, result.stderr
    found = json.loads(report.read_text())
    assert found["bursts"]["spoken"] >= 4
    assert found["mouth_to_ear_ms"]["p50"] > 0, "a jitter buffer and a tick lie between"
    assert found["without_us_ms"]["p50"] >= 20, "a frame has to be whole before it leaves"
    assert found["clicks_ms"]["count"] == 2
    assert found["core_per_leg"] > 0
    assert found["listened"]["frames"] > 0
