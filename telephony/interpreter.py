"""The interpreter's own settings in a process whose loop must not pause.

What is loaded at the start lives as long as the process: it is taken out of every later garbage collection. And most
of what a call makes is freed by its reference count, so that looking for cycles can be rarer than the default, which at
a hundred calls and more spends a thirtieth of the core on it, the longest pauses among it. A thread at work on
recordings hands the interpreter back to the loop in half a millisecond, not in the default's five.

A call that is over leaves some fifty kilobytes of objects that know each other. Waiting for those rare rounds a node
would grow by them for tens of thousands of calls, so they are collected soon after a call's end, by the clock.
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable
from typing import Final

# Allocations more than releases before the youngest are looked through, and how many of those rounds make an older one.
THRESHOLDS: Final = (20_000, 20, 50)
SWITCH_INTERVAL_S: Final = 0.0005
# So seldom that a node of two hundred calls, whose objects take some milliseconds to look through, does not feel it.
SWEEP_AFTER_S: Final = 5.0
# glibc gives each thread a heap of its own, up to eight for each core, and what one has freed no other uses: a node
# grew by some 10 kB a call, as its helpers' threads took turns. One heap stays as large as it was.
_M_ARENA_MAX: Final = -8  # mallopt(3)
HEAPS_MAX: Final = 1


def settle() -> None:
    """Call once, when everything has been loaded and before the first call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _limit_heaps()


def _limit_heaps() -> None:
    """Limit the C library's heaps; one that knows no such option is left as it is."""
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_M_ARENA_MAX, HEAPS_MAX)


class Sweeper:
    """Collects what calls leave, some seconds after the end of one; for all that ended meanwhile at once."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object] | None = None) -> None:
        """`later` is the running loop's `call_later` unless given."""
        self._later = later
        self._due = False

    def call_over(self) -> None:
        if not self._due:
            self._due = True
            (self._later or asyncio.get_running_loop().call_later)(SWEEP_AFTER_S, self._sweep)

    def _sweep(self) -> None:
        self._due = False
        gc.collect()
