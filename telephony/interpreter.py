"""The interpreter's own settings in a process whose loop must not pause.

What is loaded at the start lives as long as the process: it is taken out of every later garbage collection. And most
of what a call makes is freed by its reference count, so that looking for cycles can be rarer than the default, which at
a hundred calls and more spends a thirtieth of the core on it, the longest pauses among it. A thread at work on
recordings hands the interpreter back to the loop in half a millisecond, not in the default's five.
"""

import gc
import sys
from typing import Final

# Allocations more than releases before the youngest are looked through, and how many of those rounds make an older one.
THRESHOLDS: Final = (20_000, 20, 50)
SWITCH_INTERVAL_S: Final = 0.0005


def settle() -> None:
    """Call once, when everything has been loaded and before the first call."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
