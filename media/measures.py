"""What the audio plane counts of itself, cheap enough to be counted always. Sans-I/O.

The plane adds numbers; percentiles, sums and exposition are made by whoever asks, seconds apart.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence


class Recent:
    """The newest values of something, such as how late each tick came; older ones are forgotten."""

    def __init__(self, kept: int) -> None:
        """`kept`: at least 1."""
        if kept < 1:
            raise ValueError("kept must be at least 1")
        self._values: deque[float] = deque(maxlen=kept)
        self.add = self._values.append  # nothing stands between the caller and the deque
        self.clear = self._values.clear

    def __len__(self) -> int:
        return len(self._values)

    def share(self, share: float) -> float:
        """Return the value that `share` (0 to 1) of them do not exceed; 0 while there is none."""
        if not self._values:
            return 0.0
        ordered = sorted(self._values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def most(self) -> float:
        """Return the largest; 0 while there is none."""
        return max(self._values, default=0.0)


class Histogram:
    """Counts values by upper bounds, as Prometheus does; the last count has no bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: rising."""
        if list(bounds) != sorted(set(bounds)) or not bounds:
            raise ValueError("bounds must be given, and rise")
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        # A value on a bound belongs below it.
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """Return (upper bound, values up to it), the last of them "+Inf"."""
        rows, total = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows
