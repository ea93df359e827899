"""Is what was heard the same wave as what was played some time before? Sans-I/O.

An echo is our own voice through a loudspeaker, a room and a network: filtered and softer, but the same wave, so its
correlation with what was played is high at one delay. Two different voices hardly correlate at any. A fifth of a
second is enough to tell, which is sooner than loudness tells (agent/turns/echo.py), and than anybody has said a word.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
_FAINT: Final = 60.0  # RMS in units of samples, -55 dBFS: of what was played, less is no voice


def likeness(heard: Wave, played: Wave) -> tuple[float, int]:
    """Return how alike they are at best, from 0 to 1, and how many samples later `heard` is.

    Args:
        heard: (n,) samples.
        played: (m,) samples with m > n; both end at the same moment. Delays from 0 to m - n are tried.
    """
    # Differences, for the low tones that all voices share hide what tells them apart.
    heard, played = np.diff(heard), np.diff(played)
    size, delays = len(heard), len(played) - len(heard)
    length = 1 << (len(played) + size - 1).bit_length()
    products = np.fft.irfft(np.conj(np.fft.rfft(heard, length)) * np.fft.rfft(played, length), length)[: delays + 1]
    sums = np.concatenate([[0.0], np.cumsum(played**2)])
    energy = np.maximum(sums[size:] - sums[:-size], size * _FAINT**2)
    alike = np.abs(products) / np.sqrt(energy * max(float(heard @ heard), 1.0))
    place = int(np.argmax(alike))
    return float(alike[place]), delays - place
