"""What people and prospects of the bench say and hear, as functions of the moment. Sans-I/O."""

from collections.abc import Callable
from typing import Final

import numpy as np

from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES

Mouth = Callable[[float], Samples]  # gives the 20 ms that are whole at that moment: (160,) int16, 8 kHz
Ear = Callable[[Samples, float], None]  # takes sound whose first sample is heard at that moment
SILENCE: Final = np.zeros(FRAME_SAMPLES, dtype=np.int16)


class Talk:
    """A mouth that says the same over and over, without a pause."""

    def __init__(self, pcm: Samples, begin_frame: int = 0) -> None:
        """`pcm`: int16, 8 kHz; what is left over of whole frames is not said."""
        self._frames: Samples = pcm[: len(pcm) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        self._place = begin_frame

    def frame(self, _now: float) -> Samples:
        self._place = (self._place + 1) % len(self._frames)
        frame: Samples = self._frames[self._place]
        return frame


def deaf(_pcm: Samples, _at_s: float) -> None:
    """Hear nothing."""
