"""The interpreter's settings, in a process of their own: they hold for the whole process."""

import subprocess
import sys
import weakref
from collections.abc import Callable

from telephony.interpreter import SWEEP_AFTER_S, Sweeper

SCRIPT = """
import gc, sys
from telephony.interpreter import SWITCH_INTERVAL_S, THRESHOLDS, settle
before = len(gc.get_objects())
settle()
assert gc.get_threshold() == THRESHOLDS
assert abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6
assert gc.get_freeze_count() > before // 2, "what is loaded is looked through no more"
class Ring: pass
ring = Ring(); ring.self = ring; del ring
assert gc.collect() >= 1, "and what comes later still is"
"""


def test_what_is_loaded_is_left_alone_and_cycles_are_still_found() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=30)


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_calls_leave_is_collected_once_for_all_that_ended_meanwhile() -> None:
    due: list[tuple[float, Callable[[], None]]] = []
    sweeper, left = Sweeper(lambda delay_s, work: due.append((delay_s, work))), weakref.ref(Ring())
    sweeper.call_over()
    sweeper.call_over()
    ((delay_s, sweep),) = due
    assert delay_s == SWEEP_AFTER_S
    sweep()
    assert left() is None
    sweeper.call_over()
    assert len(due) == 2
