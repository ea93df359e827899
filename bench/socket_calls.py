"""`salesos bench call --providers sockets`: simulated calls whose server asks providers behind real sockets.

The providers are the product's own, at servers that take the time they are told to (`bench/providers/`). The server's
own events tell the stages; response and barge-in are the simulated callers' own. What is left when the providers'
time and the wait for the turn's end are taken away is what the product adds.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.calls import CallReport
from bench.load_report import spread
from bench.providers.process import Behind, Timing, provider_process
from bench.server_process import our_command, read_stats, running
from bench.soak import Soak
from bench.utterance import speak_two_seconds
from bench.waterfall import Row, stages_of
from media.frame import FRAME_MS

SECONDS_A_CALL: Final = 30.0  # some six turns
_TAKEN_S: Final = 3.0  # after the last call: its events have been read


async def measure(
    count: int, at_once: int, timing: Timing, *, speculate: bool = False, smart_turn: bool = False
) -> CallReport:
    """Have `count` calls, `at_once` at a time. Raises ServerFailed."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    timing = msgspec.structs.replace(timing, spoken_ms=(len(utterance.frames) - utterance.first_voiced) * FRAME_MS)
    with provider_process(timing) as addresses:
        behind = Behind(addresses.urls, smart_turn=smart_turn, speculate=speculate)
        async with running(our_command(at_once * 2, -1, behind=behind)) as server:
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
        # An answer that was begun before the turn's end has its providers' time beside the wait, not behind it.
        added_ms=None if speculate else spread(added_ms(rows, timing)),
        apart_ms=apart_ms(rows, callers.tally.response_ms),
    )


def added_ms(rows: Sequence[Row], timing: Timing) -> list[float]:
    """Return what each answer took beyond its providers' time and the wait for the turn's end."""
    found: list[float] = []
    for row in rows:
        sent, end_of_turn = row.get("sent_ms"), row.get("end_of_turn_ms")
        if sent is None or end_of_turn is None:
            continue
        providers = timing.first_token_ms + timing.clause_ms + timing.first_audio_ms
        found.append(sent - max(end_of_turn, timing.stt_final_ms) - providers)
    return found


def apart_ms(rows: Sequence[Row], response_ms: Sequence[float]) -> float | None:
    """Return how far the waterfall's end lies from what the callers measured, at the median; None without answers.

    A caller counts from when their last voiced frame left, the timeline from that frame's last sample.
    """
    sent = spread([moment for row in rows if (moment := row.get("sent_ms")) is not None])
    heard = spread(response_ms)
    if sent.p50 is None or heard.p50 is None:
        return None
    return round(heard.p50 - FRAME_MS - sent.p50, 1)
