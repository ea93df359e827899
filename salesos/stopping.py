"""Ctrl-C, SIGTERM and a closed terminal become one flag that is looked at between steps.

An exception out of a signal handler could land anywhere, in the middle of stopping a child for one.
"""

import signal
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The operator asked to stop."""


class StopFlag:
    """Set by the first signal; a second one asks for haste."""

    def __init__(self) -> None:
        self.asked = 0

    def listen(self) -> None:
        """Take the process's signals; from the main thread."""
        for number in SIGNALS:
            signal.signal(number, self._take)

    def check(self) -> None:
        """Raises Stopped once it has been asked for."""
        if self.asked:
            raise Stopped

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
