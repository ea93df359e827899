"""The one timer of a conversation: setting it again makes what it said before stale."""

import asyncio
from collections.abc import Callable

from agent.signals import Expired, Timer


class OneTimer:
    """On expiry it puts a signal; it never does anything itself."""

    def __init__(self, put: Callable[[Expired], None]) -> None:
        self._put = put
        self._handle: asyncio.TimerHandle | None = None
        self._number = 0

    def set(self, timer: Timer, after_s: float) -> None:
        self.stop()
        expired = Expired(timer, self._number)
        self._handle = asyncio.get_running_loop().call_later(after_s, self._put, expired)

    def stop(self) -> None:
        self._number += 1
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def is_current(self, expired: Expired) -> bool:
        return expired.number == self._number
