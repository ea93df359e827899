"""How late a server's event loop runs, as a histogram: the bench's server keeps one, the client reads it twice.

The ticks of the product's own clock are watched: when one comes late, so did all else that was due then. Sans-I/O.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from media.clock import TICK_S

LAG_MS_MAX: Final = 1_000  # whatever is later counts here


@dataclass(frozen=True, slots=True)
class Lag:
    """How many ticks came late by so many whole milliseconds."""

    counts: tuple[int, ...]

    @classmethod
    def from_counts(cls, counts: Sequence[object]) -> Self:
        """Raises ValueError for what is no list of counts."""
        numbers = tuple(count for count in counts if isinstance(count, int) and count >= 0)
        if len(numbers) != len(counts) or len(numbers) > LAG_MS_MAX + 1:
            raise ValueError("lag_ms must be a list of at most 1001 counts")
        return cls(numbers)

    def since(self, before: Self) -> "Lag":
        earlier = before.counts + (0,) * (len(self.counts) - len(before.counts))
        return Lag(tuple(now - then for now, then in zip(self.counts, earlier, strict=True)))

    def values(self) -> list[float]:
        """Return one value in ms for each tick."""
        return [float(late_ms) for late_ms, count in enumerate(self.counts) for _ in range(count)]


class LagMeter:
    """Counts ticks; `tick` is called by the clock each 20 ms. `now` gives seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due: float | None = None
        self._counts = [0] * (LAG_MS_MAX + 1)

    def tick(self) -> None:
        now = self._now()
        late_s = 0.0 if self._due is None else max(0.0, now - self._due)
        self._counts[min(LAG_MS_MAX, int(late_s * 1000))] += 1
        # After a skipped tick the clock starts its grid anew, and so does this.
        due = now if self._due is None or late_s > TICK_S else self._due
        self._due = due + TICK_S

    def counts(self) -> list[int]:
        """Return counts by whole milliseconds, without the zeros at the end."""
        last = max((place for place, count in enumerate(self._counts) if count), default=-1)
        return self._counts[: last + 1]
