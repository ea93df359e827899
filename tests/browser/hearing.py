"""Whether what somebody heard is what somebody else said: correlation in the telephone's band, second by second."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media.codec.g711 import Samples

BAND_HZ = (300, 3_400)
STRAY_S = 0.1  # clocks and buffers move a place by less from one second to the next

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Second:
    likeness: float  # correlation, -1 to 1
    place_s: float  # where in what was said


def median_likeness(heard: Samples, said: Samples, rate_hz: int) -> float:
    """Return the median over the seconds of `heard`, each at a place that follows from those beside it.

    Args:
        heard: a few seconds, all of it sound that was to be heard.
        said: what the other one says over and over, at the same rate.
    """
    period_s = len(said) / rate_hz
    around = np.concatenate([said, said[: 2 * rate_hz]])
    seconds = seconds_of(heard, around, rate_hz)
    begins_s = [second.place_s - number for number, second in enumerate(seconds)]
    # By angles: the beginning is right behind the end.
    turns = np.exp(2j * np.pi * np.array(begins_s) / period_s)
    typical = np.median(turns.real) + 1j * np.median(turns.imag)
    stray_s = np.abs(np.angle(turns / typical)) * period_s / (2 * np.pi)
    aligned = [second.likeness if stray < STRAY_S else 0.0 for second, stray in zip(seconds, stray_s, strict=True)]
    return float(np.median(aligned))


def seconds_of(heard: Samples, said: Samples, rate_hz: int) -> list[Second]:
    """Return each whole second of `heard` with the place in `said` where it is most like it."""
    source = _in_band(said, rate_hz)
    size = 1 << (len(source) + rate_hz).bit_length()
    spectrum = np.fft.rfft(source, size)
    sums = np.concatenate([[0.0], np.cumsum(source**2)])
    energy = np.maximum(sums[rate_hz:] - sums[:-rate_hz], 1.0)
    seconds = []
    for at in range(0, len(heard) - rate_hz + 1, rate_hz):
        piece = _in_band(heard[at : at + rate_hz], rate_hz)
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)[: len(energy)]
        likenesses = products / np.sqrt(energy * max(float((piece**2).sum()), 1.0))
        best = int(np.argmax(likenesses))
        seconds.append(Second(float(likenesses[best]), best / rate_hz))
    assert seconds, "less than a second was heard"
    return seconds


def _in_band(sound: Samples, rate_hz: int) -> Sound:
    """Return it without what no telephone carries."""
    spectrum = np.fft.rfft(sound.astype(float))
    pitches = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    spectrum[(pitches < BAND_HZ[0]) | (pitches > BAND_HZ[1])] = 0
    return np.fft.irfft(spectrum, len(sound))
