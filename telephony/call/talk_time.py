"""How long a call has been talked on: what is billed. Sans-I/O."""

import math
from collections.abc import Callable


class TalkTime:
    """From the answer to the end; `now` gives seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began_at: float | None = None
        self._ended_at: float | None = None

    @property
    def begun(self) -> bool:
        return self._began_at is not None

    def begin(self) -> None:
        self._began_at = self._now()

    def end(self) -> None:
        """The line is gone: the first who says so is right."""
        if self.begun and self._ended_at is None:
            self._ended_at = self._now()

    @property
    def duration_s(self) -> float:
        """Seconds up to the end, or to now; 0 for a call that was not answered."""
        if self._began_at is None:
            return 0.0
        return (self._now() if self._ended_at is None else self._ended_at) - self._began_at

    @property
    def billable_s(self) -> int:
        """Begun seconds."""
        # To the millisecond, as the duration is told: a microsecond is no second begun.
        return math.ceil(round(self.duration_s, 3))
