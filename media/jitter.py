"""Frames of one leg in order and in time, though its network reorders, repeats, delays and loses them. Sans-I/O.

Fed as frames arrive, read once each 20 ms; reading never waits. A lost frame is covered by the one before it, fading,
then by silence. What a burst leaves too much of is dropped, oldest first, so that delay never grows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES

CAPACITY: Final = 10  # frames: 200 ms, beyond which the oldest are dropped
PREFETCH: Final = 2  # frames that wait before the first is read: the usual jitter of a browser's network
CONCEALED_MAX: Final = 3  # frames that a loss is covered for
SHRINK_AFTER: Final = 50  # reads in which more than PREFETCH always waited: so many are too many
RESTART_FRAMES: Final = 500  # a number so far off belongs to a sender that began anew
_CONCEAL_GAIN: Final = 0.5  # of each covered frame to the one before
_SILENCE: Final = np.zeros(FRAME_SAMPLES, dtype=np.int16)

UNSTABLE_JITTER_MS: Final = 200.0
STABLE_JITTER_MS: Final = 100.0
UNSTABLE_LOSS: Final = 0.05
STABLE_LOSS: Final = 0.02
STABLE_AFTER: Final = 5  # good reports in a row, a second apart


class Jitter:
    """The spread of arrivals, smoothed (RFC 3550 §6.4.1)."""

    def __init__(self) -> None:
        self.ms = 0.0
        self._transit_ms: float | None = None

    def arrived(self, due_ms: float, at_ms: float) -> None:
        """Take an arrival: by the sender's clock and by ours, both in ms from any zero."""
        transit_ms = at_ms - due_ms
        if self._transit_ms is not None:
            self.ms += (abs(transit_ms - self._transit_ms) - self.ms) / 16
        self._transit_ms = transit_ms


class JitterBuffer:
    """One leg's frames, int16 of 20 ms at any one rate. Numbers rise by one with each frame the leg sends."""

    def __init__(self) -> None:
        self.jitter = Jitter()
        self.received = 0
        self.lost = 0  # never came, or came too late
        self.late = 0
        self.repeated = 0
        self.dropped = 0  # to keep the delay short
        self._frames: dict[int, Samples] = {}
        self._next: int | None = None  # the number that is read next
        self._priming = True
        self._last: Samples | None = None  # what was read last, to cover a loss with
        self._concealed = 0
        self._least = CAPACITY  # that waited, since the last shrinking
        self._reads = 0

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, number: int, pcm: Samples, at_ms: float) -> None:
        """Take a frame that arrived at `at_ms`."""
        self.received += 1
        self.jitter.arrived(number * FRAME_MS, at_ms)
        if self._next is not None and abs(number - self._next) > RESTART_FRAMES:
            self._restart()
        if self._next is None:
            self._next = number
        if number < self._next:
            if self._priming and self._last is None and self._next - number < CAPACITY:
                self._next = number  # nothing has been read: it is merely the second to come
            else:
                self.late += 1
                return
        if number in self._frames:
            self.repeated += 1
            return
        if number - self._next >= CAPACITY:
            self._skip_to(number)
        self._frames[number] = pcm

    def pop(self) -> Samples | None:
        """Return the next 20 ms; None for silence. Call it once a tick."""
        if self._next is None or (self._priming and len(self._frames) < PREFETCH):
            return self._cover()
        self._priming = False
        frame = self._frames.pop(self._next, None)
        if frame is None:
            if not self._frames:
                # Nothing waits: it may yet come, so its place is kept.
                self._priming = self._concealed >= CONCEALED_MAX
                return self._cover()
            self.lost += 1
            self._next += 1
            return self._cover()
        self._next += 1
        self._last = frame
        self._concealed = 0
        self._shrink()
        return frame

    def _skip_to(self, number: int) -> None:
        """Make way for a frame that lies too far ahead: go on so near to it that nothing waits for long."""
        assert self._next is not None
        floor = number - PREFETCH
        gone = [waiting for waiting in self._frames if waiting < floor]
        for waiting in gone:
            del self._frames[waiting]
        self.dropped += len(gone)
        self.lost += floor - self._next - len(gone)
        self._next = min(self._frames, default=number)
        self.lost += self._next - floor
        self._concealed = 0

    def _shrink(self) -> None:
        self._least = min(self._least, len(self._frames))
        self._reads += 1
        if self._reads < SHRINK_AFTER:
            return
        # All of them at once: one jump is heard less than one a second for as many seconds.
        for oldest in sorted(self._frames)[: max(0, self._least - PREFETCH)]:
            assert self._next is not None
            self.lost += oldest - self._next
            self._next = oldest + 1
            del self._frames[oldest]
            self.dropped += 1
        self._reads, self._least = 0, CAPACITY

    def _restart(self) -> None:
        self.dropped += len(self._frames)
        self._frames.clear()
        self._next = None
        self._priming = True
        self._last = None

    def _cover(self) -> Samples | None:
        if self._last is None or self._concealed >= CONCEALED_MAX:
            return None
        self._concealed += 1
        covered: Samples = (self._last * _CONCEAL_GAIN**self._concealed).astype(np.int16)
        return covered


class Connection(Enum):
    STABLE = auto()
    UNSTABLE = auto()


@dataclass(frozen=True, slots=True)
class Quality:
    """How a leg's network is doing."""

    connection: Connection
    jitter_ms: float
    loss: float  # share of the last report's frames


class QualityWatch:
    """Says once that a connection became unstable, and once that it is stable again."""

    def __init__(self, on_change: Callable[[Quality], None]) -> None:
        self._on_change = on_change
        self._connection = Connection.STABLE
        self._good = 0

    @property
    def connection(self) -> Connection:
        return self._connection

    def report(self, jitter_ms: float, lost: int, expected: int) -> None:
        """Take a second's figures: frames lost of those expected."""
        loss = lost / expected if expected > 0 else 0.0
        if jitter_ms > UNSTABLE_JITTER_MS or loss > UNSTABLE_LOSS:
            self._good = 0
            self._become(Connection.UNSTABLE, jitter_ms, loss)
        elif jitter_ms <= STABLE_JITTER_MS and loss <= STABLE_LOSS:
            self._good += 1
            if self._good >= STABLE_AFTER:
                self._become(Connection.STABLE, jitter_ms, loss)
        else:
            self._good = 0

    def _become(self, connection: Connection, jitter_ms: float, loss: float) -> None:
        if connection is not self._connection:
            self._connection = connection
            self._on_change(Quality(connection, jitter_ms, loss))
