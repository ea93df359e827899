"""Well-behaved calls beside whatever else is done to a server: do they notice? A process of its own.

`python -m bench.bystander STREAM_URL CALLS` prints "ready" once its calls talk, counts until its standard input closes,
and prints what was noticed as one line of JSON.
"""

import asyncio
import sys
import time
from typing import Final

import msgspec
import uvloop

from bench.carrier_client import Tally
from bench.load_report import Spread, spread
from bench.load_run import open_call
from bench.pacer import Pacer
from bench.utterance import speak_two_seconds

SETTLE_S: Final = 8.0  # a turn and a half: what is loaded late is loaded


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    seconds: float
    response_ms: Spread
    barge_in_ms: Spread
    late_p99_ms: float  # of our own frames
    underruns: int
    unanswered: int
    broken_off: int
    lost_calls: int


async def watch(url: str, calls: int) -> Noticed:
    """Keep the calls up until standard input closes."""
    utterance = await asyncio.to_thread(speak_two_seconds)
    tally = Tally()
    pacer = Pacer(tally)
    opened = [await open_call(url, 900_000 + number, utterance, tally) for number in range(calls)]
    async with asyncio.TaskGroup() as tasks:
        pacing = tasks.create_task(pacer.run(), name="bench.pace")
        for number, (_, caller) in enumerate(opened):
            caller.start(time.monotonic())
            pacer.add(number, caller, time.monotonic() + number / 1000)
        await asyncio.sleep(SETTLE_S)
        tally.open, began = True, time.monotonic()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        tally.open = False
        lost = sum(socket.closed.is_set() for socket, _ in opened)
        for number, (_, caller) in enumerate(opened):
            pacer.remove(number)
            caller.stop()
        await asyncio.sleep(0.2)
        for socket, _ in opened:
            socket.close()
        pacing.cancel()
    return Noticed(
        calls=calls,
        seconds=round(time.monotonic() - began, 1),
        response_ms=spread(tally.response_ms),
        barge_in_ms=spread(tally.barge_in_ms),
        late_p99_ms=spread(tally.late_ms).p99 or 0.0,
        underruns=tally.underruns,
        unanswered=tally.unanswered,
        broken_off=tally.broken_off,
        lost_calls=lost,
    )


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(uvloop.run(watch(sys.argv[1], int(sys.argv[2])))).decode() + "\n")
