"""Gives all calls of the load client their 20 ms: one task, frames spread over the period as those of strangers are."""

import asyncio
import heapq
import time
from typing import Final, Protocol

from bench.carrier_client import Tally
from media.frame import FRAME_MS

_TICK_S: Final = FRAME_MS / 1000
_RESOLUTION_S: Final = 0.001


class Ticked(Protocol):
    """A call's end that wants to be told every 20 ms."""

    def tick(self, now: float) -> None: ...


class Pacer:
    """Ticks every caller each 20 ms of the monotonic clock; a stall of ours is caught up in a burst, and counted."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._due: list[tuple[float, int]] = []
        self._callers: dict[int, Ticked] = {}

    def add(self, number: int, caller: Ticked, first: float) -> None:
        self._callers[number] = caller
        heapq.heappush(self._due, (first, number))

    def remove(self, number: int) -> None:
        self._callers.pop(number, None)

    async def run(self) -> None:
        # time.monotonic, because uvloop's own clock counts whole milliseconds.
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                due, number = self._due[0]
                caller = self._callers.get(number)
                if caller is None:
                    heapq.heappop(self._due)
                    continue
                heapq.heapreplace(self._due, (due + _TICK_S, number))
                caller.tick(now)
                if self._tally.open:
                    self._tally.late_ms.append((now - due) * 1000)
                now = time.monotonic()
            # Never less than the clock's resolution: uvloop would spin until then, and burn the core.
            await asyncio.sleep(max(_RESOLUTION_S, self._due[0][0] - now) if self._due else _TICK_S)
