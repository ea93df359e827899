"""How far a replica is behind, from places in the primary's log that were seen at known times. Sans-I/O.

By time alone it cannot be told: where nothing is written a replica that is whole looks old, and one that was cut off
looks whole to itself.
"""

from collections import deque
from typing import Final

MARKS_MAX: Final = 600


class Lag:
    def __init__(self) -> None:
        # (when, where the primary's log ended then), the oldest first. Full, it forgets the oldest: a replica that far
        # behind counts as behind since the oldest that is kept.
        self._marks: deque[tuple[float, int]] = deque(maxlen=MARKS_MAX)

    def note(self, now_s: float, end: int) -> None:
        """Remember where the primary's log ends now, in bytes."""
        if not self._marks or end != self._marks[-1][1]:
            self._marks.append((now_s, end))

    def behind_s(self, now_s: float, replayed: int) -> float:
        """Return since when a replica that has replayed so much lacks something that the primary had."""
        while self._marks and self._marks[0][1] <= replayed:
            self._marks.popleft()
        return now_s - self._marks[0][0] if self._marks else 0.0
