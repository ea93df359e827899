"""A call's timers by name: each puts a signal when it is due, and a new one of the same name takes its place."""

import asyncio
from collections.abc import Callable

from telephony.call.signals import CallSignal


class Timers:
    def __init__(self, put: Callable[[CallSignal], None]) -> None:
        self._put = put
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def set(self, name: str, delay_s: float, signal: CallSignal) -> None:
        if name in self._handles:
            self._handles[name].cancel()
        self._handles[name] = asyncio.get_running_loop().call_later(delay_s, self._put, signal)

    def drop(self, name: str) -> None:
        """Without effect when there is none."""
        if name in self._handles:
            self._handles.pop(name).cancel()

    def stop(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
