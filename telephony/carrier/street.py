"""The noise of a street, made from a seed: a minute that repeats without a seam. 8 kHz, mono. Sans-I/O.

Far traffic (noise that is stronger below, and slowly swells and ebbs), cars that pass, and now and then a horn or a
bang.
What is steady, cars included, is as loud as asked for; horns and bangs stand out of it, as they do.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telephony.carrier.ulaw import RATE_HZ, Pcm

LENGTH_S: Final = 60
_KEPT: Final = 8  # streets, a megabyte each: half a second of work that calls to one persona share
_SAMPLES: Final = LENGTH_S * RATE_HZ
_CAR_DB: Final = 12.0  # over the traffic behind it, at its nearest
_CAR_S: Final = (1.6, 4.0)  # how long it is heard, to half of its height
_CAR_HZ: Final = (200.0, 1_400.0)  # tyres and engine
_HORN_OVER: Final = 3.5  # times the street's loudness: 11 dB
_HORN_S: Final = (0.25, 0.8)
_BANG_OVER: Final = 14.0  # its peak
_BANG_S: Final = 0.35
_PEAK_MAX: Final = 30_000.0

Sound = NDArray[np.float64]


@lru_cache(maxsize=_KEPT)
def street(rms: float, cars: int, horns: int, bangs: int, seed: int) -> Pcm:
    """Return a minute of it, which others hold too: not to be written into.

    Args:
        rms: of all but horns and bangs, in units of int16 samples.
        cars, horns, bangs: how many of them in the minute.
    """
    chance = np.random.default_rng(seed)
    steady = _traffic(chance)
    for _ in range(cars):
        _put(chance, _car(chance), steady)
    steady *= rms / np.sqrt(np.mean(steady**2))
    for _ in range(horns):
        _put(chance, _horn(chance) * rms * _HORN_OVER, steady)
    for _ in range(bangs):
        _put(chance, _bang(chance) * rms * _BANG_OVER, steady)
    made = np.asarray(np.clip(steady, -_PEAK_MAX, _PEAK_MAX), np.int16)
    made.flags.writeable = False
    return made


def _traffic(chance: np.random.Generator) -> Sound:
    """Return noise that falls by 4.5 dB an octave, between pink and brown, its level moving by some 3 dB."""
    swell = _shaped(chance, _SAMPLES, lambda hz: (hz > 0) & (hz < 0.3))
    swell /= np.std(swell)
    made = _shaped(chance, _SAMPLES, lambda hz: np.maximum(hz, 80.0) ** -0.75)
    return np.asarray(made / np.std(made) * 10 ** (np.clip(swell, -2, 2) * 1.5 / 20))


def _car(chance: np.random.Generator) -> Sound:
    """Return a band of noise that swells, a little faster than it ebbs, and falls in pitch as it passes."""
    width = chance.uniform(*_CAR_S) * RATE_HZ
    at = np.arange(int(4 * width)) - 1.8 * width
    shape = np.exp(-((at / np.where(at < 0, 0.8 * width, 1.2 * width)) ** 2))
    low, high = _CAR_HZ
    coming = _shaped(chance, len(at), lambda hz: (hz > low * 1.1) & (hz < high * 1.1))
    leaving = _shaped(chance, len(at), lambda hz: (hz > low * 0.9) & (hz < high * 0.9))
    gone = 1 / (1 + np.exp(-at / (0.1 * width)))
    made = coming / np.std(coming) * np.sqrt(1 - gone) + leaving / np.std(leaving) * np.sqrt(gone)
    return np.asarray(made * shape * 10 ** (chance.uniform(_CAR_DB - 4, _CAR_DB) / 20))


def _horn(chance: np.random.Generator) -> Sound:
    """Return two tones a third apart with their overtones; RMS 1."""
    length = int(chance.uniform(*_HORN_S) * RATE_HZ)
    at = np.arange(length) / RATE_HZ
    root = chance.uniform(360, 460)
    tones = sum(np.sin(2 * np.pi * hz * n * at) / n for hz in (root, root * 1.26) for n in (1, 2, 3, 4))
    ramp = np.minimum(1, np.minimum(at, at[::-1]) / 0.02)
    made = np.asarray(tones) * ramp
    return np.asarray(made / np.sqrt(np.mean(made**2)))


def _bang(chance: np.random.Generator) -> Sound:
    """Return a door, a crate, a shutter: a dull burst that dies away; its peak is 1."""
    length = int(_BANG_S * RATE_HZ)
    at = np.arange(length) / RATE_HZ
    dull = np.convolve(chance.standard_normal(length), np.ones(6) / 6, "same")
    made = dull * np.exp(-at / 0.06) * np.minimum(1, at / 0.002)
    return np.asarray(made / np.max(np.abs(made)))


def _put(chance: np.random.Generator, sound: Sound, into: Sound) -> None:
    """Add `sound` somewhere; what would go over the end comes at the beginning."""
    first = int(chance.integers(_SAMPLES))
    until_end = min(len(sound), _SAMPLES - first)
    into[first : first + until_end] += sound[:until_end]
    into[: len(sound) - until_end] += sound[until_end:]


def _shaped(chance: np.random.Generator, length: int, gain: Callable[[NDArray[Any]], NDArray[Any]]) -> Sound:
    """Return noise whose spectrum follows `gain`, a function of the frequencies in Hz; its end fits its beginning."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    return np.asarray(np.fft.irfft(spectrum * gain(hz), length))
