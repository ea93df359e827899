"""Is what is heard of the caller our own voice, come back from a speaker-phone? Sans-I/O.

Two witnesses. The wave (agent/turns/wave.py): what was heard last is what was played, filtered. It tells from the
first word on, as long as the echo is not bent out of shape on its way. And loudness: an echo rises and falls as what is
played does, some time later and softer. So the loudness of both is kept, frame by frame, and compared at every delay
that a room and a telephone network can make; that takes a second, and bears any distortion.

Who speaks over an echo is another wave, and louder: that is how an interruption is told from it. Nothing is subtracted
from the sound.
"""

from collections import deque
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.turns.wave import likeness
from media.codec import g711
from media.frame import FRAME_MS, FRAME_SAMPLES

_SILENT: Final = bytes(2 * FRAME_SAMPLES)
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
_WAVE_FRAMES: Final = 10  # that are looked for in what was played
# Likeness of waves. Echoes of made voices through rooms have 0.41 and more in 99 of 100 cases; other voices 0.29 or
# less in 95 of 100 at the best of all delays, and 0.20 or less in 99 of 100 at one that is given.
_SAME_WAVE: Final = 0.36
_SAME_AT_DELAY: Final = 0.25
_USUAL_SHARE: Final = 0.6  # of the likeness that this line's echo has: below, somebody speaks over it
_USUAL_GAIN: Final = 0.3  # of a new likeness in the usual one
_NEAR_SAMPLES: Final = 40  # 5 ms: our idea of when a frame was played is no better

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
        self._heard_waves: deque[bytes] = deque(maxlen=_WAVE_FRAMES)
        self._played_waves: deque[bytes] = deque(maxlen=_WAVE_FRAMES + _DELAY_MAX)
        self._delay: int | None = None  # samples, at which the waves were alike last
        self._usual = 0.0  # how alike they are then: rooms and telephones differ

    def hear(self, heard: bytes, played: bytes) -> None:
        """Take a frame from the caller, and what they heard meanwhile (nothing: silence); int16 samples, 8 kHz."""
        played_rms = g711.rms(played) if played else 0.0
        self._quiet = 0 if played_rms > _FLOOR_RMS else self._quiet + 1
        self._heard.append(level_db(g711.rms(heard)))
        self._played.append(level_db(played_rms))
        self._heard_waves.append(heard)
        self._played_waves.append(played or _SILENT)

    @property
    def possible(self) -> bool:
        """False when nothing was played for so long that nothing of it can come back: frames need not be given."""
        return self._quiet <= _DELAY_MAX + _NOW

    def forget(self) -> None:
        """Frames were left out: what is given next does not follow."""
        for kept in (self._heard, self._played, self._heard_waves, self._played_waves):
            kept.clear()

    def explains(self) -> bool:
        """Tell whether what was heard last is what was played, and nobody's voice besides."""
        played, heard = np.array(self._played), np.array(self._heard)
        if not self.possible or len(heard) < _NOW:
            return False
        if self._is_same_wave():
            return True
        # Soft parts are the caller's room in one and nothing in the other: they are made alike.
        heard = np.maximum(heard, np.percentile(heard, 10) + 2)
        if np.count_nonzero(played > _SOUNDING_DB) >= _ENOUGH:
            self._look(played, heard)
        if self._path is None:
            return False
        return self._fits(played, heard, *self._path)

    def _is_same_wave(self) -> bool:
        """Tell whether the newest frames are what was played, at the delay that is known or at any."""
        if len(self._heard_waves) < _WAVE_FRAMES:
            return False
        heard = np.frombuffer(b"".join(self._heard_waves), "<i2").astype(np.float64)
        played = np.frombuffer(b"".join(self._played_waves), "<i2").astype(np.float64)
        played = np.concatenate([np.zeros(len(heard) + _DELAY_MAX * FRAME_SAMPLES - len(played)), played])
        alike, delay = likeness(heard, played)
        if alike >= max(_SAME_WAVE, self._usual * _USUAL_SHARE):
            self._delay = delay
            self._usual += (alike - self._usual) * (_USUAL_GAIN if self._usual else 1.0)
            return True
        if self._delay is None:
            return False
        end = len(played) - max(0, self._delay - _NEAR_SAMPLES)
        near = played[max(0, end - len(heard) - 2 * _NEAR_SAMPLES) : end]
        return likeness(heard, near)[0] >= max(_SAME_AT_DELAY, self._usual * _USUAL_SHARE)

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
