"""How much of what a carrier recorded is in a recording of ours, and how far. Sans-I/O.

Both begin at the stream's first frame. The carrier's copy is cut into half-seconds; each with sound in it must be
found in ours, near its place. What ours holds beyond (speech sent and cleared before it was played) is not looked at.
"""

import io
import wave
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.frame import RATE_HZ, SAMPLES_PER_MS

WINDOW_MS: Final = 500
PIECE_MS: Final = 125  # the shortest stretch that is told from other speech
LIKENESS_MIN: Final = 0.7  # correlation at the best lag: the same speech has 0.95 and more, other speech below 0.4
_LOUD: Final = 150.0  # RMS below which half a second holds nothing to recognise
_AUDIBLE: Final = 8  # µ-law silence decodes to 0; a little above is no sound either

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Found:
    """One side of a call: the windows with sound in the carrier's copy, and those that ours lacks."""

    windows: int
    lacking_ms: tuple[int, ...]  # where they begin
    lag_ms: float  # of the window that lies farthest from its place


def read_wav(raw: bytes) -> Samples:
    """Return (samples, channels) of a 16-bit, 8 kHz WAV.

    Raises:
        wave.Error, EOFError: it is none, or of another kind.
    """
    with wave.open(io.BytesIO(raw)) as file:
        if (file.getsampwidth(), file.getframerate()) != (2, RATE_HZ):
            raise wave.Error("not 16-bit at 8 kHz")
        channels = file.getnchannels()
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return pcm[: len(pcm) // channels * channels].reshape(-1, channels)


def find(carrier: Samples, ours: Samples, reach_ms: int) -> Found:
    """Look for the carrier's (n,) samples in our (m,) ones, each window within `reach_ms` of its place.

    Windows that end beyond ours are not looked for: how long ours is, is another question.
    """
    size, reach = WINDOW_MS * SAMPLES_PER_MS, reach_ms * SAMPLES_PER_MS
    windows, lacking, farthest = 0, [], 0.0
    for start in range(0, min(len(carrier), len(ours) - reach) - size + 1, size):
        if not _is_loud(carrier[start : start + size]):
            continue
        windows += 1
        lag = _lag_of(carrier, ours, start, size, reach)
        if lag is None:
            lacking.append(start // SAMPLES_PER_MS)
        else:
            farthest = max(farthest, lag / SAMPLES_PER_MS)
    return Found(windows, tuple(lacking), farthest)


def _lag_of(carrier: Samples, ours: Samples, start: int, size: int, reach: int) -> int | None:
    """Return how many samples the stretch lies from its place in ours; None when it is not there.

    One that is not there in one piece is looked for in halves: a pause of the agent may lie in it, and what was
    said after it stands by itself.
    """
    window = carrier[start : start + size].astype(np.float64)
    first = max(0, start - reach)
    around = ours[first : start + size + reach].astype(np.float64)
    lag = _best_lag(window, around)
    if _likeness(window, around[lag : lag + size]) >= LIKENESS_MIN:
        return abs(first + lag - start)
    half = size // 2
    if half < PIECE_MS * SAMPLES_PER_MS:
        return None
    loud = [place for place in (start, start + half) if _is_loud(carrier[place : place + half])]
    lags = [_lag_of(carrier, ours, place, half, reach) for place in loud]
    known = [lag for lag in lags if lag is not None]
    return max(known) if known and len(known) == len(lags) else None


def _is_loud(samples: Samples) -> bool:
    return bool(np.sqrt(np.mean(samples.astype(np.float64) ** 2)) >= _LOUD)


def _best_lag(window: NDArray[np.float64], around: NDArray[np.float64]) -> int:
    length = len(window) + len(around)
    spectrum = np.fft.rfft(around, length) * np.conj(np.fft.rfft(window, length))
    return int(np.argmax(np.fft.irfft(spectrum, length)[: len(around) - len(window) + 1]))


def _likeness(window: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the correlation where the window has sound: beside it ours may hold what was never played."""
    audible = np.abs(window) > _AUDIBLE
    one, two = window[audible], other[audible]
    norm = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / norm if norm else 0.0
