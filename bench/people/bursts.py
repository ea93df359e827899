"""Short tones at known moments, and when they are heard at the other end. Sans-I/O.

What was spoken in a frame of 20 ms was spoken before the frame was whole: its first sample is as old as the frame is
long when it leaves. Times are seconds of a monotonic clock, given by the caller; what is found is 1 ms fine.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np

from bench.people.sounds import SILENCE
from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

TONE_HZ: Final = 1_000  # a period is one block of the finder, so that a block's level does not depend on its phase
BURST_FRAMES: Final = 5
EVERY_FRAMES: Final = 30  # longer than any delay that is looked for: it is clear which burst a sound belongs to
_PEAK: Final = 8_000
_BLOCK: Final = RATE_HZ // 1_000
_HEARD_RMS: Final = _PEAK / 2 / np.sqrt(2)  # half the tone's level: where a codec's soft edge has its middle
_REST_BLOCKS: Final = 40  # quiet for so long, a burst is over: a covered loss inside one is none
_TONE: Final = (np.sin(2 * np.pi * TONE_HZ * np.arange(FRAME_SAMPLES) / RATE_HZ) * _PEAK).astype(np.int16)


class BurstMouth:
    """Speaks a burst every EVERY_FRAMES frames."""

    def __init__(self) -> None:
        self.spoken: list[float] = []  # when the first sample of each burst was
        self._frames = 0

    def frame(self, now: float) -> Samples:
        """Return the 20 ms that are whole now: (160,) int16, 8 kHz."""
        place = self._frames % EVERY_FRAMES
        self._frames += 1
        # The first burst comes after a rest, as all others do.
        sounding = place >= EVERY_FRAMES - BURST_FRAMES
        if place == EVERY_FRAMES - BURST_FRAMES:
            self.spoken.append(now - FRAME_MS / 1_000)
        return _TONE if sounding else SILENCE


class BurstEar:
    """Finds where bursts begin."""

    def __init__(self) -> None:
        self.heard: list[float] = []  # when the first sample of each burst was
        self._quiet = _REST_BLOCKS  # blocks since the last loud one

    def hear(self, pcm: Samples, at_s: float) -> None:
        """Take sound whose first sample is heard at `at_s`: int16, 8 kHz, whole milliseconds of it."""
        blocks = pcm[: len(pcm) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float64)
        for number, loud in enumerate(np.sqrt(np.mean(blocks**2, axis=1)) >= _HEARD_RMS):
            if not loud:
                self._quiet += 1
                continue
            if self._quiet >= _REST_BLOCKS:
                self.heard.append(at_s + number / 1_000)
            self._quiet = 0


def delays_ms(spoken: Sequence[float], heard: Sequence[float]) -> list[float | None]:
    """Return how long after it was spoken each burst was heard; None for one that was not before the next was spoken.

    Both rise. What nobody spoke is left out.
    """
    found: list[float | None] = [None] * len(spoken)
    for at in heard:
        number = bisect_right(spoken, at) - 1
        if number >= 0 and found[number] is None:
            found[number] = (at - spoken[number]) * 1_000
    return found
