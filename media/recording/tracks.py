"""Two voices on one timeline: what the prospect said, and what the prospect heard. Sans-I/O.

Channel 0 is the prospect, by the carrier's stamps; channel 1 the agent, placed where the carrier played it and cut
where it was cleared. Both are held back until nothing can change them any more, then leave interleaved.
"""

import numpy as np
from numpy.typing import NDArray

from media.codec.g711 import Samples

CHANNELS = 2
_BLOCK = 8_000  # samples by which the window grows


class Tracks:
    """A moving window of both channels, in samples since the stream began."""

    def __init__(self) -> None:
        self._start = 0  # position of the window's first sample: all before it has left
        self._window: NDArray[np.int16] = np.zeros((_BLOCK, CHANNELS), dtype=np.int16)
        self._end = 0  # position after the last sample placed on either channel
        self.late = 0  # samples that came after their place had left; read by metrics

    @property
    def end(self) -> int:
        return self._end

    @property
    def taken(self) -> int:
        """Position up to which samples have left."""
        return self._start

    def place(self, channel: int, position: int, pcm: Samples) -> None:
        """Put samples where they belong; what would lie before the window is lost and counted."""
        if position < self._start:
            self.late += min(len(pcm), self._start - position)
            pcm = pcm[self._start - position :]
            position = self._start
        if not len(pcm):
            return
        offset = position - self._start
        self._grow(offset + len(pcm))
        self._window[offset : offset + len(pcm), channel] = pcm
        self._end = max(self._end, position + len(pcm))

    def cut(self, channel: int, position: int) -> None:
        """Silence a channel from `position` on: it was cleared before it was played."""
        self._window[max(0, position - self._start) :, channel] = 0

    def mute(self, until: int) -> None:
        """Silence both channels before `until`, as far as they have not left: recording was not allowed yet."""
        self._window[: max(0, until - self._start), :] = 0

    def take(self, until: int) -> NDArray[np.int16]:
        """Return the interleaved samples up to position `until`, (n, 2) int16, and move the window on."""
        count = until - self._start
        if count <= 0:
            return np.zeros((0, CHANNELS), dtype=np.int16)
        self._grow(count)
        taken = self._window[:count].copy()
        self._window = self._window[count:].copy()
        self._start = until
        self._end = max(self._end, until)
        return taken

    def _grow(self, size: int) -> None:
        missing = size - len(self._window)
        if missing > 0:
            more = np.zeros((missing + _BLOCK, CHANNELS), dtype=np.int16)
            self._window = np.concatenate([self._window, more])
