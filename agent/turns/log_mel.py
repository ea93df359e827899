"""Eight seconds of sound as smart-turn hears them: a picture of 80 mel bands in 800 steps of 10 ms. Sans-I/O.

The recipe is the feature extractor of Whisper (Radford et al. 2022), on which smart-turn v3 was trained: the waveform
at mean 0 and variance 1, Hann windows of 25 ms every 10 ms, mirrored at both ends, power in bands on Slaney's mel
scale, the logarithm held within eight decades of the loudest. Another recipe raises no error and hears nonsense, so
the tests compare with another implementation.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 16_000
SAMPLES: Final = 8 * RATE_HZ
BANDS: Final = 80
_WINDOW: Final = 400
_HOP: Final = 160
_DECADES: Final = 8.0
_FLOOR: Final = 1e-10
_VARIANCE_FLOOR: Final = 1e-7
# Slaney's scale: 3 mels to 200 Hz up to 1 kHz, above it 27 mels to a factor of 6.4.
_LINEAR_MELS_PER_HZ: Final = 3 / 200
_KNEE_HZ: Final = 1_000.0
_KNEE_MELS: Final = _KNEE_HZ * _LINEAR_MELS_PER_HZ
_LOG_STEP: Final = np.log(6.4) / 27

Floats = NDArray[np.float32]


def log_mel(sound: Floats) -> Floats:
    """Return the picture of a sound.

    sound: (n,) float32, 16 kHz, mono, -1 to 1. Its last eight seconds count; before a shorter one lies silence.
    Returns: (80, 800) float32, contiguous.
    """
    last = sound[-SAMPLES:]
    filled = np.zeros(SAMPLES, dtype=np.float32)
    filled[SAMPLES - len(last) :] = last
    filled -= filled.mean()
    filled /= np.sqrt(filled.var() + np.float32(_VARIANCE_FLOOR))
    mirrored = np.pad(filled, _WINDOW // 2, mode="reflect")
    # The window centred on the very end belongs to the next picture: 801 fit, 800 are used.
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, _WINDOW)[::_HOP][: SAMPLES // _HOP]
    spectrum = np.fft.rfft(frames * _HANN, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    bands = np.log10(np.maximum(_FILTERS @ power.T, _FLOOR))
    np.maximum(bands, bands.max() - _DECADES, out=bands)
    return np.ascontiguousarray((bands + 4.0) / 4.0, dtype=np.float32)


def _mels(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_MELS + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return np.where(hz < _KNEE_HZ, hz * _LINEAR_MELS_PER_HZ, above)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE_HZ * np.exp((np.maximum(mels, _KNEE_MELS) - _KNEE_MELS) * _LOG_STEP)
    return np.where(mels < _KNEE_MELS, mels / _LINEAR_MELS_PER_HZ, above)


def _filters() -> NDArray[np.float64]:
    """Return triangles of equal area, (80, 201), evenly spaced in mels from 0 to 8 kHz."""
    top = _mels(np.array([RATE_HZ / 2]))[0]
    corners = _hertz(np.linspace(0.0, top, BANDS + 2))
    bins = np.linspace(0.0, RATE_HZ / 2, _WINDOW // 2 + 1)
    left, peak, right = (corners[at : at + BANDS, np.newaxis] for at in range(3))
    rising = (bins - left) / (peak - left)
    falling = (right - bins) / (right - peak)
    return np.maximum(np.minimum(rising, falling), 0.0) * (2.0 / (right - left))


_FILTERS: Final = _filters()
_HANN: Final = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
