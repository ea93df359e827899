"""The same load, in turn, against our server and pipecat's: rounds of one run for each side, so that a machine which
grows slower meanwhile does so for all.

Each server has the same core to itself, the client the other. A call of one turn comes before each run, because the
first turn of a process loads what is needed once.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.floor import find_floor
from bench.load_report import LoadRun
from bench.load_run import Cores, Plan, run_calls, warm_up
from bench.peer.figures import OURS, PeerReport, Round, new_report, new_round
from bench.server_process import our_command, running
from bench.utterance import Utterance, speak_two_seconds

PEER_SCRIPT: Final = Path(__file__).with_name("pipecat_server.py")


@dataclass(frozen=True, slots=True)
class Comparison:
    calls: int
    profiles: Sequence[str]
    rounds: int
    seconds: float
    cores: Cores
    tries: int  # of a round, while it is void


def peer_command(python: Path, profile: str, core: int) -> list[str]:
    """Return the command of the peer's server, in its own environment and with nothing of ours on its path."""
    words = [str(python), "-I", str(PEER_SCRIPT), "--profile", profile, "--core", str(core)]
    return ["env", "LOGURU_LEVEL=WARNING", *words]  # or it greets on every start


async def compare(
    comparison: Comparison, python: Path, peer: Mapping[str, str], on_run: Callable[[str, LoadRun], None]
) -> PeerReport:
    """Measure all rounds; `on_run` hears of each run as it ends. Raises ServerFailed."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    os.sched_setaffinity(0, {comparison.cores.client})
    floor = await asyncio.to_thread(find_floor, utterance)
    rounds: list[Round] = []
    for _ in range(comparison.rounds):
        for _ in range(comparison.tries):
            rounds.append(await _round(comparison, python, utterance, on_run))
            if not rounds[-1].void:
                break
    return new_report(comparison.calls, rounds, floor, peer)


async def _round(
    comparison: Comparison, python: Path, utterance: Utterance, on_run: Callable[[str, LoadRun], None]
) -> Round:
    cores = comparison.cores
    runs: dict[str, LoadRun] = {}
    for side in (OURS, *comparison.profiles):
        # One more: the warm-up's call may not have left yet.
        ours = our_command(comparison.calls + 1, cores.server)
        command = ours if side == OURS else peer_command(python, side, cores.server)
        async with running(command, ours=side == OURS) as server:
            await warm_up(server, cores, utterance)
            runs[side] = await run_calls(server, Plan(comparison.calls, comparison.seconds, cores), utterance)
        on_run(side, runs[side])
    return new_round(runs)
