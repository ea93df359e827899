"""`salesos bench load`: simulated carrier calls against a server process of its own, each side on its own core.

One server and one client per run, so that runs do not colour each other. A void run is repeated; a smallest run that
all others are compared with goes on until it has turns enough for its percentiles to stand still.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

from bench.floor import find_floor
from bench.load_report import LoadReport, LoadRun, max_calls, repeated
from bench.load_run import Cores, Plan, run_calls
from bench.providers.process import Behind
from bench.server_process import our_command, running, sockets_command
from bench.utterance import Utterance, speak_two_seconds

BASELINE_CALLS: Final = 8  # so few calls do not disturb each other, and bring turns enough in two minutes
BASELINE_TURNS_MIN: Final = 200


async def measure(
    calls: Sequence[int],
    seconds: float,
    cores: Cores,
    on_run: Callable[[LoadRun], None],
    *,
    tries: int = 1,
    sockets: bool = True,
    behind: Behind | None = None,
) -> LoadReport:
    """Measure a run for each number of calls, again while it is void, at most `tries` times; `on_run` hears of each.

    When there are larger ones, a run of BASELINE_CALLS comes before them, and is what they are compared with. With
    `sockets` the product's sockets alone get the largest number of calls in the end. `behind`: the providers' sockets.

    Raises:
        ServerFailed: the server did not come up, or did not take all calls.
    """
    utterance = await asyncio.to_thread(speak_two_seconds)
    os.sched_setaffinity(0, {cores.client})
    floor = await asyncio.to_thread(find_floor, utterance)
    runs: list[LoadRun] = []
    baseline, counts = with_baseline(calls)
    for count in counts:
        turns = BASELINE_TURNS_MIN if count == baseline == BASELINE_CALLS else 0
        plan = Plan(count, seconds, cores, turns)
        runs.append(await _until_good(our_command(count, cores.server, behind=behind), plan, utterance, on_run, tries))
    alone: LoadRun | None = None
    if sockets:
        plan = Plan(max(counts), seconds, cores)
        alone = await _until_good(sockets_command(cores.server), plan, utterance, lambda _run: None, tries, ours=False)
    return LoadReport(tuple(runs), max_calls(runs, baseline), floor, baseline, alone)


async def _until_good(
    command: Sequence[str],
    plan: Plan,
    utterance: Utterance,
    on_run: Callable[[LoadRun], None],
    tries: int,
    *,
    ours: bool = True,
) -> LoadRun:
    made: list[LoadRun] = []
    while not made or (made[-1].void and len(made) < tries):
        async with running(command, ours=ours) as server:
            made.append(await run_calls(server, plan, utterance))
        on_run(made[-1])
    return repeated(made)


def with_baseline(calls: Sequence[int]) -> tuple[int, list[int]]:
    """Return the run to compare with, and all runs: BASELINE_CALLS before larger ones, else the smallest."""
    counts = list(dict.fromkeys(calls))
    if max(counts) < BASELINE_CALLS:
        return min(counts), counts
    if BASELINE_CALLS not in counts:
        place = next(place for place, count in enumerate(counts) if count > BASELINE_CALLS)
        counts.insert(place, BASELINE_CALLS)
    return BASELINE_CALLS, counts
