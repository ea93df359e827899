"""Is what is heard of the caller our own voice, come back from a speaker-phone? Sans-I/O.

An echo rises and falls as what is played does, some time later and softer. So the loudness of both is kept, frame by
frame, and compared at every delay that a room and a telephone network can make. Who speaks over an echo is louder
than it: that is how an interruption is told from it. Loudness is enough; nothing is subtracted from the sound.
"""

from collections import deque
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.frame import FRAME_MS

_KEPT: Final = 100  # frames, two seconds
_DELAY_MAX: Final = 500 // FRAME_MS  # frames: the far phone, its room, and both ways through mobile networks
_ENOUGH: Final = 20  # frames that must have been played: of fewer nobody can tell
_COMPARED: Final = 60  # at most
_LIKE: Final = 0.85  # correlation of loudness, in decibels, from which on one follows the other
_FLOOR_DB: Final = -60.0
_FLOOR_RMS: Final = 0.001
_SOUNDING_DB: Final = -50.0  # what is softer was not played, or not heard
_UNLIKE: Final = 0.5  # below, there is no echo any more
_VARIED_DB: Final = 3.0  # standard deviation: a hum is like anything
_NOW: Final = 8  # frames: the voice that was just noticed
_LOUDER_DB: Final = 6.0  # over the echo: somebody speaks
_LOUDER_FRAMES: Final = 3
_GAIN_MAX_DB: Final = 3.0  # telephones do not make an echo louder than the voice

Levels = NDArray[np.float64]


def level_db(rms: float) -> float:
    """Return a frame's loudness (RMS, 0 to 1) in dB below full scale, never below the floor."""
    return 20 * log10(rms) if rms > _FLOOR_RMS else _FLOOR_DB


class Echo:
    """One call's. Frames of 20 ms are given in pairs: what came from the caller, and what they heard just then."""

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=_KEPT)
        self._played: deque[float] = deque(maxlen=_KEPT)
        self._path: tuple[int, float] | None = None  # frames of delay, and gain in dB, once it is known
        self._quiet = 0  # frames since something was played

    def hear(self, heard_rms: float, played_rms: float) -> None:
        """Take the loudness (0 to 1) of a frame from the caller, and of what they heard meanwhile."""
        self._quiet = 0 if played_rms > _FLOOR_RMS else self._quiet + 1
        self._heard.append(level_db(heard_rms))
        self._played.append(level_db(played_rms))

    @property
    def possible(self) -> bool:
        """False when nothing was played for so long that nothing of it can come back: frames need not be given."""
        return self._quiet <= _DELAY_MAX + _NOW

    def forget(self) -> None:
        """Frames were left out: what is given next does not follow."""
        self._heard.clear()
        self._played.clear()

    def explains(self) -> bool:
        """Tell whether what was heard last is what was played, and nobody's voice besides."""
        played, heard = np.array(self._played), np.array(self._heard)
        if not self.possible or len(heard) < _NOW:
            return False
        # Soft parts are the caller's room in one and nothing in the other: they are made alike.
        heard = np.maximum(heard, np.percentile(heard, 10) + 2)
        if np.count_nonzero(played > _SOUNDING_DB) >= _ENOUGH:
            self._look(played, heard)
        if self._path is None:
            return False
        return self._fits(played, heard, *self._path)

    def _look(self, played: Levels, heard: Levels) -> None:
        """Find the way that our voice comes back, or that it does not."""
        known = self._follows(played, heard, self._path[0]) if self._path is not None else None
        if known is not None and known[0] >= _LIKE:
            return
        tried = [(*found, delay) for delay in range(_DELAY_MAX + 1) if (found := self._follows(played, heard, delay))]
        like, gain_db, delay = max(tried, default=(0.0, 0.0, 0))
        if like >= _LIKE:
            self._path = (delay, gain_db)
        elif like < _UNLIKE and known is not None:
            self._path = None  # they took up the receiver

    def _fits(self, played: Levels, heard: Levels, delay: int, gain_db: float) -> bool:
        """Tell whether the newest frames are no louder than the echo that is known."""
        # A frame more to both sides: the delay is no whole number of frames.
        padded = np.concatenate([np.full(_DELAY_MAX + _NOW + 1, _FLOOR_DB), played])
        end = len(padded) - delay
        near = [padded[stop - _NOW : stop] for stop in (end - 1, end, min(end + 1, len(padded)))]
        expected = np.maximum(np.max(near, axis=0) + gain_db, heard.min())
        louder = heard[-_NOW:] - expected > _LOUDER_DB
        return int(np.count_nonzero(louder)) < _LOUDER_FRAMES

    def _follows(self, played: Levels, heard: Levels, delay: int) -> tuple[float, float] | None:
        """Return how much what was heard follows what was played `delay` frames before, and its gain in dB.

        The newest frames are left out: whoever speaks now must not hide the echo.
        """
        ours = played[: len(played) - delay][-_COMPARED:]
        theirs = heard[-len(ours) :]
        loud = ours > _SOUNDING_DB
        if len(ours) < _ENOUGH + _NOW or np.count_nonzero(loud) < _ENOUGH or ours.std() < _VARIED_DB:
            return None
        gain_db = float(np.median((theirs - ours)[loud]))
        if gain_db > _GAIN_MAX_DB or theirs.std() < _VARIED_DB / 2:
            return None
        would = np.maximum(ours + gain_db, theirs.min())
        return _correlation(would[:-_NOW], theirs[:-_NOW]), gain_db


def _correlation(one: Levels, other: Levels) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
