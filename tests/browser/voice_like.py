"""A sound like a voice that never pauses: a gliding pitch, and resonances that move on with each syllable."""

import numpy as np
import numpy.typing as npt

from media.codec.g711 import Samples

SYLLABLE_S = 0.18
PITCH_HZ = (95, 210)
# Where a voice's three lowest resonances lie, and how wide they are.
RESONANCES_HZ = ((300, 850, 90), (900, 2_300, 130), (2_300, 3_300, 200))
TOP_HZ = 3_400  # the telephone's
FLOOR = 0.02  # of a resonance, between them
PEAK = 14_000

Curve = npt.NDArray[np.float64]


def voice_like(seconds: float, rate_hz: int, seed: int) -> Samples:
    """Return such a sound, int16, mono: like itself at no other place, as sums of steady tones are."""
    random = np.random.default_rng(seed)
    moments = np.arange(round(seconds * rate_hz)) / rate_hz

    def moving(least: float, most: float) -> Curve:
        """A curve through another value at each syllable."""
        syllables = np.arange(0, seconds + 2 * SYLLABLE_S, SYLLABLE_S)
        values = random.uniform(least, most, len(syllables))
        curve: Curve = np.interp(moments, syllables, values)
        return curve

    pitch_hz = moving(*PITCH_HZ)
    turns = np.cumsum(pitch_hz) / rate_hz
    resonances = [(moving(least, most), wide) for least, most, wide in RESONANCES_HZ]
    total = np.zeros(len(moments))
    for harmonic in range(1, TOP_HZ // PITCH_HZ[0]):
        at_hz = harmonic * pitch_hz
        gain = sum(FLOOR + 1 / (1 + ((at_hz - middle) / wide) ** 2) for middle, wide in resonances)
        total += np.where(at_hz < TOP_HZ, gain, 0) / harmonic * np.sin(2 * np.pi * (harmonic * turns))
    total *= moving(0.5, 1)
    loud: Samples = (total * PEAK / np.abs(total).max()).astype(np.int16)
    return loud
