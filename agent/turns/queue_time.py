"""How long a question to the smart-turn worker would wait: it answers one at a time, each in about the same. Sans-I/O.

An answer later than the rules would have decided is worth nothing, so one that would wait is not asked at all.
"""

from collections import deque
from typing import Final

QUEUE_MAX_S: Final = 0.05
_FIRST_RUN_S: Final = 0.09  # measured on the machines at hand
_LEARNING: Final = 0.2  # the newest run's weight: a handful of runs follow a machine that grew slower


class QueueTime:
    """Times are any monotonic clock's seconds."""

    def __init__(self) -> None:
        self._asked: deque[float] = deque()  # of the questions under way, oldest first
        self._begun_s = 0.0  # when the oldest began to be worked on
        self.run_s = _FIRST_RUN_S

    def wait_s(self, now_s: float) -> float:
        """Return how long a question asked now would wait for those before it."""
        if not self._asked:
            return 0.0
        # One that takes longer than usual is about to end, for all that is known.
        oldest_s = max(0.0, self.run_s - (now_s - self._begun_s))
        return oldest_s + (len(self._asked) - 1) * self.run_s

    def may_ask(self, now_s: float) -> bool:
        return self.wait_s(now_s) <= QUEUE_MAX_S

    def asked(self, now_s: float) -> None:
        if not self._asked:
            self._begun_s = now_s
        self._asked.append(now_s)

    def answered(self, now_s: float, run_s: float) -> None:
        """The oldest question was answered; its run took `run_s`."""
        self.ran(run_s)
        if self._asked:
            self._asked.popleft()
        self._begun_s = now_s

    def ran(self, run_s: float) -> None:
        """Learn how long a run takes."""
        self.run_s += (run_s - self.run_s) * _LEARNING

    def lost(self) -> None:
        """Nothing that was asked will be answered."""
        self._asked.clear()
