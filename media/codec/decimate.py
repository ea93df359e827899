"""From 48 kHz to the telephone's 8 kHz without what lies above its band folding into it. Sans-I/O.

The resampler of live paths (media/codec/resample.py) interpolates and filters nothing: fine for what is narrow
already, but the hiss of an "s" at a browser's rate would come back as a whistle. This filter holds back 1.5 ms.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codec.g711 import Samples

FACTOR: Final = 6
# Kaiser's design: 60 dB down from 4.6 kHz on, flat up to 3.4.
_TAPS: Final = 144
_CUT_OFF: Final = 4_000 / 48_000
_BETA: Final = 5.65


def _design() -> NDArray[np.float32]:
    places = np.arange(_TAPS) - (_TAPS - 1) / 2
    taps = np.sinc(2 * _CUT_OFF * places) * np.kaiser(_TAPS, _BETA)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


_FILTER: Final = _design()


class Decimator:
    """One stream's. Every six samples in give one out, from the first on."""

    def __init__(self) -> None:
        self._held = np.zeros(_TAPS - FACTOR, dtype=np.float32)

    def push(self, pcm: Samples) -> Samples:
        """Return what is ready. `pcm`: int16, mono, 48 kHz."""
        sound = np.concatenate([self._held, pcm], dtype=np.float32)
        count = max(0, (len(sound) - _TAPS) // FACTOR + 1)
        step = sound.strides[0]
        windows = np.lib.stride_tricks.as_strided(sound, (count, _TAPS), (step * FACTOR, step), writeable=False)
        narrow = windows @ _FILTER
        self._held = sound[count * FACTOR :]
        rounded: Samples = np.clip(np.rint(narrow), -32_768, 32_767).astype(np.int16)
        return rounded
