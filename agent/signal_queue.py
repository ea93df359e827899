"""Signals on their way to the one task that reads them: bounded, and never in the way of who puts them."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class SignalQueue(Generic[T]):
    """Full, it drops the newest and counts: only a flood gets there, and timers keep whoever reads from hanging."""

    def __init__(self, capacity: int) -> None:
        self._signals: asyncio.Queue[T] = asyncio.Queue(capacity)
        self.dropped = 0  # read by metrics

    def put(self, signal: T) -> None:
        try:
            self._signals.put_nowait(signal)
        except asyncio.QueueFull:
            self.dropped += 1

    async def get(self) -> T:
        return await self._signals.get()

    def take_all(self) -> list[T]:
        """Return what waits now, oldest first."""
        return [self._signals.get_nowait() for _ in range(self._signals.qsize())]
