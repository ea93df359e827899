"""What the prospect hears: the carrier's play-out buffer by the load client's own clock. Sans-I/O.

Audio is played in the order in which it comes, and at once when nothing else plays. A mark is due when all audio
before it has been played; a clear drops what has not been played and makes every pending mark due at once
(facts of the carrier's protocol). Times are seconds of a monotonic clock, given by the caller.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from media.frame import RATE_HZ

_SILENCE: Final = b"\xff\x7f"  # both zeros of µ-law


@dataclass(frozen=True, slots=True)
class Played:
    """Where a piece of audio stands in what is heard."""

    starts: float  # of its first sound that is not silence; of its first sample when all is silence
    sound_s: float  # from its first to its last sound
    gap_s: float  # silence that was heard before it because nothing was there to play


class Earpiece:
    def __init__(self) -> None:
        self._free_at = 0.0  # when all that came will have been played
        self._marks: deque[tuple[float, str]] = deque()

    @property
    def free_at(self) -> float:
        return self._free_at

    def play(self, ulaw: bytes, now: float) -> Played:
        """Take audio of any length."""
        starts = max(now, self._free_at)
        gap_s = starts - self._free_at if self._free_at else 0.0
        self._free_at = starts + len(ulaw) / RATE_HZ
        rest = ulaw.lstrip(_SILENCE)
        lead_s = (len(ulaw) - len(rest)) / RATE_HZ if rest else 0.0
        return Played(starts + lead_s, len(rest.rstrip(_SILENCE)) / RATE_HZ, gap_s)

    def mark(self, name: str, now: float) -> None:
        self._marks.append((max(now, self._free_at), name))

    def clear(self, now: float) -> list[str]:
        """Drop what has not been played; return the marks that are echoed for it."""
        self._free_at = min(self._free_at, now)
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def due(self, now: float) -> list[str]:
        """Return the marks whose audio has been played."""
        names = []
        while self._marks and self._marks[0][0] <= now:
            names.append(self._marks.popleft()[1])
        return names
