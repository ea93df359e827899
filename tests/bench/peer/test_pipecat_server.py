"""The peer answers the bench's own calls. Run by our interpreter: our environment holds all that it needs."""

import ast
import os
import sys
from pathlib import Path

import pytest

from bench.load_run import Cores, Plan, run_calls
from bench.peer.compare import PEER_SCRIPT, peer_command
from bench.server_process import running
from bench.utterance import speak_two_seconds

OURS = {"agent", "bench", "config", "crm", "events", "media", "salesos", "telephony"}


def test_the_peer_runs_by_its_own_interpreter_on_one_core() -> None:
    command = peer_command(Path("/somewhere/python"), "lean", 1)
    assert command[2:4] == ["/somewhere/python", "-I"]
    assert command[-4:] == ["--profile", "lean", "--core", "1"]


def test_the_peer_imports_nothing_of_ours() -> None:
    tree = ast.parse(PEER_SCRIPT.read_text())
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert OURS.isdisjoint(module.split(".")[0] for module in modules)


@pytest.mark.timeout(90)
async def test_the_peer_answers_a_call() -> None:
    """With its defaults; the comparison's own test has the lean one."""
    cores = Cores(min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0)))
    async with running(peer_command(Path(sys.executable), "default", cores.server), ours=False) as server:
        run = await run_calls(server, Plan(1, 4.0, cores, turns_min=1, settle_s=0.0), speak_two_seconds())
    assert run.response_ms.count >= 1
    assert run.lost_calls == 0
    assert run.loop_lag_ms is None
