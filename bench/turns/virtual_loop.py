"""An event loop whose clock jumps to the next timer: minutes of a call take seconds, and the same ones every time."""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class Stuck(RuntimeError):
    """Nothing will ever happen any more, and somebody waits."""


class _Selector(selectors.BaseSelector):
    """Waits for nothing: the time it is told to wait has passed."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("no timer is set")
        self.now_s += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time starts at 0 and passes only while everybody waits."""

    def __init__(self) -> None:
        self._moments = _Selector()
        super().__init__(self._moments)

    def time(self) -> float:
        return self._moments.now_s
