"""Whether what somebody heard is what somebody else said: correlation in the telephone's band, second by second.

Buffers against jitter stretch and cut time: a browser's by a period of the voice, the node's by 20 ms. So each second
is laid on what was said where it fits best, and within it each piece of 40 ms a little to either side. Pieces lie
between samples too: at half a sample of 8 kHz off, a tone of 3 kHz would be like itself by a third only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from media.codec.g711 import Samples

BAND_HZ: Final = (300, 3_400)
DRIFT_S: Final = 0.5  # that a second's place may be from where the others' say, over a few seconds
PIECE_S: Final = 0.04
STRAY_S: Final = 0.1  # that a piece's place may be from its second's
FINE: Final = 16  # places between two samples
_REACH: Final = 24  # samples on either side that a place between two is told from

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Second:
    likeness: float  # correlation, -1 to 1
    place_s: float  # where in what was said


def median_likeness(heard: Samples, said: Samples, rate_hz: int) -> float:
    """Return the median over the seconds of `heard`; see `seconds_of`."""
    return float(np.median([second.likeness for second in seconds_of(heard, said, rate_hz)]))


def seconds_of(heard: Samples, said: Samples, rate_hz: int) -> list[Second]:
    """Return each whole second of `heard` at the place in `said` where it is most like it, near where the others lie.

    Args:
        heard: a few seconds.
        said: what the other one says over and over, at the same rate.
    """
    assert len(heard) >= rate_hz, "less than a second was heard"
    period = len(said)
    around = _in_band(np.concatenate([said[-rate_hz:], said, said[: 2 * rate_hz]]), rate_hz)
    size = 1 << (len(around) + rate_hz).bit_length()
    spectrum = np.fft.rfft(around, size)
    pieces = [_in_band(heard[at : at + rate_hz], rate_hz) for at in range(0, len(heard) - rate_hz + 1, rate_hz)]
    fits = [_fit(np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size), piece, around) for piece in pieces]
    begins = [int(np.argmax(fit)) - number * rate_hz for number, fit in enumerate(fits)]
    # By angles: the beginning is right behind the end.
    turns = np.exp(2j * np.pi * np.array(begins) / period)
    typical = np.angle(np.median(turns.real) + 1j * np.median(turns.imag)) / (2 * np.pi) * period
    seconds = []
    for number, (piece, fit) in enumerate(zip(pieces, fits, strict=True)):
        middle = rate_hz + round(typical + number * rate_hz - rate_hz) % period
        first = max(0, middle - round(DRIFT_S * rate_hz))
        place = first + int(np.argmax(fit[first : middle + round(DRIFT_S * rate_hz)]))
        seconds.append(Second(_likeness(piece, around, place, rate_hz), ((place - rate_hz) % period) / rate_hz))
    return seconds


def _likeness(second: Sound, around: Sound, place: int, rate_hz: int) -> float:
    size, stray = round(PIECE_S * rate_hz), round(STRAY_S * rate_hz)
    product = energy = 0.0
    for at in range(0, len(second), size):
        piece = second[at : at + size]
        first = max(0, place + at - stray)
        near = around[first : place + at + stray + len(piece)]
        products = np.correlate(near, piece)
        fit = _fit(products, piece, near)
        best = int(np.argmax(fit))
        product += _peak(products, best)
        energy += float((near[best : best + len(piece)] ** 2).sum())
    return product / max(1.0, float(np.sqrt(energy * (second**2).sum())))


def _fit(products: Sound, piece: Sound, around: Sound) -> Sound:
    """Return how like the piece is to each place."""
    sums = np.concatenate([[0.0], np.cumsum(around**2)])
    energy = np.maximum(sums[len(piece) :] - sums[: -len(piece)], 1.0)
    fits: Sound = products[: len(energy)] / np.sqrt(energy * max(float((piece**2).sum()), 1.0))
    return fits


def _peak(products: Sound, best: int) -> float:
    """Return the highest value beside `best`, by what lies between the samples of a band."""
    offsets = np.arange(-FINE, FINE + 1) / FINE
    near = np.arange(max(0, best - _REACH), min(len(products), best + _REACH + 1))
    apart = offsets[:, np.newaxis] - (near - best)[np.newaxis]
    weights = np.sinc(apart) * np.cos(np.pi / 2 * np.clip(apart / (_REACH + 2), -1, 1)) ** 2
    return float((weights @ products[near]).max())


def _in_band(sound: Samples, rate_hz: int) -> Sound:
    """Return it without what no telephone carries."""
    spectrum = np.fft.rfft(sound.astype(float))
    pitches = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    spectrum[(pitches < BAND_HZ[0]) | (pitches > BAND_HZ[1])] = 0
    return np.fft.irfft(spectrum, len(sound))
