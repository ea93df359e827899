"""Sounds for the tests of turns, made here."""

from bench.turns.sounds import say

RATE_HZ = 8_000


def spoken(text: str, voice: str = "en-us", rate_wpm: int = 150) -> bytes:
    """Return speech: int16 samples, 8 kHz."""
    pcm: bytes = say(text, voice, rate_wpm).sound.tobytes()
    return pcm


def silence(ms: int) -> bytes:
    return bytes(2 * RATE_HZ * ms // 1000)
