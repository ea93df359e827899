"""What a prospect on hold hears: a loop of our own making, or a WAV file's. µ-law, 8 kHz, without a seam."""

import wave
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from media.codec import g711
from media.frame import RATE_HZ

LOOP_MAX_S: Final = 600
_BEAT_S: Final = 0.5
_PEAK: Final = 5_000.0  # -16 dB: softer than a voice
_DECAY_S: Final = 0.9
_SEAM_S: Final = 0.05
# Four chords, each picked upwards and down again (Hz): C, A minor, F, G.
_CHORDS: Final = (
    (261.6, 329.6, 392.0, 523.3),
    (220.0, 261.6, 329.6, 440.0),
    (174.6, 220.0, 261.6, 349.2),
    (196.0, 246.9, 293.7, 392.0),
)
_PICKED: Final = (0, 1, 2, 3, 2, 1)


class BadMusic(Exception):
    """The file cannot be played; the message says why and what would do."""


class Loop:
    """Goes round and round; each call on hold has its own."""

    def __init__(self, ulaw: bytes) -> None:
        """`ulaw`: not empty."""
        if not ulaw:
            raise ValueError("ulaw must not be empty")
        self._ulaw = ulaw
        self._place = 0

    def next(self, samples: int) -> bytes:
        heard = b""
        while len(heard) < samples:
            piece = self._ulaw[self._place : self._place + samples - len(heard)]
            heard += piece
            self._place = (self._place + len(piece)) % len(self._ulaw)
        return heard


@cache
def composed() -> bytes:
    """Return our own loop of twelve seconds. Each note rings on over the loop's end into its beginning."""
    notes = [chord[index] for chord in _CHORDS for index in _PICKED]
    beat = round(_BEAT_S * RATE_HZ)
    total = np.zeros(beat * len(notes))
    moments = np.arange(round(4 * _DECAY_S * RATE_HZ)) / RATE_HZ
    envelope = np.exp(-moments / _DECAY_S) * np.minimum(1.0, moments / 0.005) * np.linspace(1.0, 0.0, len(moments))
    for index, pitch_hz in enumerate(notes):
        tone = sum(np.sin(2 * np.pi * pitch_hz * part * moments) / part**2 for part in (1, 2, 3)) * envelope
        places = (index * beat + np.arange(len(tone))) % len(total)
        np.add.at(total, places, tone)
    return g711.encode(np.rint(total * _PEAK / np.abs(total).max()).astype(np.int16))


def read_loop(path: Path) -> bytes:
    """Return a WAV file's sound as a loop: mono, its end faded over into its beginning.

    Raises:
        BadMusic: no such file, not 16-bit PCM WAV, too short or too long.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2 or not 0 < file.getframerate() <= 192_000:
                raise BadMusic(f"{path}: give a WAV file of 16-bit PCM")
            if not _SEAM_S * 4 < file.getnframes() / file.getframerate() <= LOOP_MAX_S:
                raise BadMusic(f"{path}: give a WAV file of between 1 and {LOOP_MAX_S} seconds")
            raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
            channels, rate_hz = file.getnchannels(), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise BadMusic(f"{path}: cannot be read as a WAV file ({error}); give a WAV file of 16-bit PCM") from None
    mono = raw[: len(raw) - len(raw) % channels].reshape(-1, channels).mean(axis=1)
    narrow = np.asarray(soxr.resample(mono, rate_hz, RATE_HZ), dtype=np.float64)
    return g711.encode(np.clip(np.rint(_seamless(narrow)), -32_768, 32_767).astype(np.int16))


def _seamless(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    seam = round(_SEAM_S * RATE_HZ)
    rising = np.linspace(0.0, 1.0, seam)
    looped = sound[: len(sound) - seam].copy()
    looped[:seam] = looped[:seam] * rising + sound[len(sound) - seam :] * rising[::-1]
    return looped
