"""`salesos bench people` from end to end, small: what it finds has its keys, and people really heard each other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load_run import Cores
from bench.people import run
from bench.people.measures import Size
from bench.server_process import ServerFailed

SMALL = ["--rounds", "1", "--bursts", "2", "--clicks", "2", "--legs", "2", "--listeners", "3", "--windows", "1"]


@pytest.mark.timeout(90)
def test_people_are_put_on_calls(tmp_path: Path) -> None:
    report = tmp_path / "people.json"
    cores = sorted(os.sched_getaffinity(0))
    options = [
        "--seconds",
        "0.3",
        "--server-core",
        str(cores[0]),
        "--client-core",
        str(cores[-1]),
        "--json",
        str(report),
    ]
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
    assert (found["legs"], found["listeners"]) == (2, 3)
    assert {"core_per_leg", "core_per_listener", "drift_ms", "underruns"} <= found.keys()
    assert found["listened"]["frames"] > 0


async def test_a_server_that_ends_amid_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a hang, and not a report of what was left."""
    line = """import os, json, time; print(json.dumps({"pid": os.getpid(), "stream_url": "ws://127.0.0.1:1/stream"}))"""
    command = [sys.executable, "-c", f"{line[:-1]}, flush=True); time.sleep(60)"]
    monkeypatch.setattr(run, "our_command", lambda calls, core: command)
    core = min(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cores: None)
    with pytest.raises(ServerFailed, match="ConnectionRefusedError"):
        await run.measure(Size(rounds=1, bursts=1), Cores(core, core), lambda _: None)
