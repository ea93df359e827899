"""`salesos bench call --providers sockets`: simulated calls whose server asks providers behind real sockets.

The answers come at once, so what a stage shows beyond `bench load`'s is the hop and the vendors' wire forms. The
server's own events tell the stages; response and barge-in are the simulated callers' own.
"""

import asyncio
from typing import Final

from bench.calls import CallReport
from bench.load_report import spread
from bench.server_process import our_command, read_stats, running
from bench.soak import Soak
from bench.utterance import speak_two_seconds
from bench.waterfall import stages_of

SECONDS_A_CALL: Final = 30.0  # some six turns
_TAKEN_S: Final = 3.0  # after the last call: its events have been read


async def measure(count: int, at_once: int) -> CallReport:
    """Have `count` calls, `at_once` at a time. Raises ServerFailed."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    async with running([*our_command(at_once * 2, -1), "--providers", "sockets"]) as server:
        callers = Soak(server, utterance, SECONDS_A_CALL, lambda over: None)
        await callers.place(count, at_once)
        await asyncio.sleep(_TAKEN_S)
        rows = (await read_stats(server))["waterfalls"]
    return CallReport(
        providers="sockets",
        calls=count,
        outcomes={},
        response_ms=spread(callers.tally.response_ms),
        barge_in_ms=spread(callers.tally.barge_in_ms),
        stages=stages_of(rows),
        failures=tuple(callers.faults),
    )
