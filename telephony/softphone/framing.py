"""A stream's audio as numbered frames of 20 ms, by its timestamps, whatever its packets hold. Sans-I/O.

A browser may send 10, 20, 40 or 60 ms in a packet, and loses some; a frame's number is its place in time, so that
whoever reads in order (media/jitter.py) sees what is missing.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ
from telephony.softphone.rtp import CLOCK_HZ, Unwrapped

_TICKS_A_SAMPLE: Final = CLOCK_HZ // RATE_HZ
_TICKS_A_FRAME: Final = CLOCK_HZ * FRAME_MS // 1_000
_EMPTY: Final = np.zeros(0, dtype=np.int16)


class Framer:
    """One stream's. `first`: the number of its first frame."""

    def __init__(self, first: int = 0) -> None:
        self.next = first  # the number behind the newest
        self._first = first
        self._times = Unwrapped()
        self._began: int | None = None
        self._rest = _EMPTY  # of a frame that is not whole yet
        self._rest_at = 0

    def take(self, timestamp: int, pcm: Samples) -> Iterator[tuple[int, Samples]]:
        """Yield the frames that are whole now. `pcm`: a packet's, int16, 8 kHz, mono."""
        at = self._times.of(timestamp & 0xFFFFFFFF)
        if self._began is None:
            self._began = at
        if len(self._rest) and at == self._rest_at + len(self._rest) * _TICKS_A_SAMPLE:
            pcm, at = np.concatenate([self._rest, pcm]), self._rest_at
        # Else what goes with the rest is lost, and so is the frame.
        number = self._first + (at - self._began) // _TICKS_A_FRAME
        whole = len(pcm) // FRAME_SAMPLES
        for place in range(whole):
            self.next = max(self.next, number + place + 1)
            yield number + place, pcm[place * FRAME_SAMPLES : (place + 1) * FRAME_SAMPLES]
        self._rest, self._rest_at = pcm[whole * FRAME_SAMPLES :], at + whole * _TICKS_A_FRAME
