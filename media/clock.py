"""One clock for all rooms of a process: a tick every 20 ms, on the grid of the monotonic clock."""

import asyncio
from collections.abc import Callable
from typing import Final

from media.measures import Recent

TICK_S: Final = 0.02
_LATE_KEPT: Final = 250  # ticks: five seconds


class Clock:
    """Calls its subscribers each tick. A stall skips ticks instead of running them in a burst."""

    def __init__(self) -> None:
        self._subscribers: dict[Callable[[], None], None] = {}
        self._awake = asyncio.Event()
        self.missed = 0  # ticks that came more than one late; read by metrics
        self.late_ms = Recent(_LATE_KEPT)  # how late each tick came: the loop's lag

    def subscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers[tick] = None
        self._awake.set()

    def unsubscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers.pop(tick, None)

    async def run(self) -> None:
        """Tick until cancelled; asleep while there is no subscriber."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if not self._subscribers:
                self._awake.clear()
                await self._awake.wait()
                due = loop.time()
            due += TICK_S
            late = loop.time() - due
            if late > TICK_S:
                self.missed += int(late / TICK_S)
                self.late_ms.add(late * 1_000)
                due = loop.time()
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.late_ms.add(max(0.0, loop.time() - due) * 1_000)
            for tick in tuple(self._subscribers):
                tick()
