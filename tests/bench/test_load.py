"""The bench from end to end, small: a server of its own, two calls, a few seconds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load import with_baseline


def test_larger_runs_are_compared_with_eight_calls() -> None:
    assert with_baseline([1, 20, 80]) == (8, [1, 8, 20, 80])
    assert with_baseline([120, 8, 8]) == (8, [120, 8])
    assert with_baseline([4, 2]) == (2, [4, 2])


SALESOS = [sys.executable, "-m", "salesos", "bench"]


@pytest.mark.timeout(90)
def test_two_calls_are_answered_and_interrupted(tmp_path: Path) -> None:
    report = tmp_path / "load.json"
    cores = sorted(os.sched_getaffinity(0))
    options = ["--server-core", str(cores[0]), "--client-core", str(cores[-1]), "--json", str(report)]
    command = [*SALESOS, "load", "--calls", "2", "--no-sockets", "--tries", "1", "--seconds", "5", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    assert result.returncode == 0, result.stderr
    assert "core/call" in result.stdout
    (run,) = json.loads(report.read_text())["runs"]
    assert run["calls"] == 2
    assert run["response_ms"]["count"] >= 1
    assert 0 < run["response_ms"]["p50"] < 3_000
    assert 0 < run["core_per_call"] < 0.5
    assert run["mb_per_call"] > 0
    assert run["pacing_jitter_ms"]["count"] > 0
    assert run["ahead_ms"]["p50"] > 0
    assert run["loop_lag_ms"]["count"] > 200, "50 ticks a second"
    assert (run["lost_calls"], run["unasked"], run["early"]) == (0, 0, 0)


@pytest.mark.timeout(60)
def test_the_server_says_where_it_is_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    server = subprocess.Popen([*SALESOS, "serve"], stdout=subprocess.PIPE, env=environment)
    try:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        assert ready["pid"] == server.pid
        assert ready["stream_url"].startswith("ws://127.0.0.1:")
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    assert list(tmp_path.glob("salesos-bench-*")) == []
