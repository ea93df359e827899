"""Sounds for the tests of turns, made here."""

from functools import cache

import numpy as np
import soxr

from agent.tts.espeak_library import Espeak, WordStart

RATE_HZ = 8_000


@cache
def _engine() -> Espeak:
    return Espeak()


def spoken(text: str, voice: str = "en-us", rate_wpm: int = 150) -> bytes:
    """Return speech: int16 samples, 8 kHz."""
    pieces: list[bytes] = []

    def take(pcm: bytes, _words: list[WordStart]) -> bool:
        pieces.append(pcm)
        return True

    _engine().speak(text, take, voice=voice, rate_wpm=rate_wpm)
    sound = np.frombuffer(b"".join(pieces), dtype=np.int16)
    narrow: bytes = soxr.resample(sound, _engine().rate_hz, RATE_HZ).astype("<i2").tobytes()
    return narrow


def silence(ms: int) -> bytes:
    return bytes(2 * RATE_HZ * ms // 1000)
