"""Streaming change of sample rate for live paths. Sans-I/O.

soxr at quality QQ: the better ones hold back 110 to 150 ms of a live stream.
"""

import numpy as np
import soxr

from media.codec.g711 import Samples


class Resampler:
    """Turns int16 mono at one rate into another, piece by piece. Equal rates pass through untouched."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="QQ")

    def push(self, pcm: Samples, *, last: bool = False) -> Samples:
        """Return what is ready; with `last`, all that remains."""
        if self._stream is None:
            return pcm
        resampled: Samples = self._stream.resample_chunk(pcm, last=last).astype(np.int16, copy=False)
        return resampled
