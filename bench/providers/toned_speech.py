"""Speech that says which words it is made of, whatever its loudness: each word a tone of its own pitch. Sans-I/O.

For sound that goes through a voice node, which levels the loudness of voices: what is made of loudness alone
(`bench/providers/coded_speech.py`) would not be understood behind it. µ-law, 8 kHz.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.providers.coded_speech import WORD_MIN_MS, CodedWord
from media.codec import g711
from media.frame import RATE_HZ, SAMPLES_PER_MS

PITCH_STEP_HZ: Final = 25
LOWEST_HZ: Final = 200
HIGHEST_HZ: Final = 3_800
_WINDOW_MS: Final = 1_000 // PITCH_STEP_HZ  # as long as it takes to tell two pitches apart
_HOP_MS: Final = 10
_PEAK: Final = 8_000  # some 12 dB below full scale: a voice's loudness, with room for a node to make it louder
AUDIBLE_RMS: Final = 150.0  # some 47 dB below full scale; a line's silence is far below, the softest word far above
_PURE: Final = 0.6  # share of a window's power at one pitch: of a window so much lies in the word


class Tones:
    """Words by their pitch; `words` are given pitches in their order."""

    MAX: Final = (HIGHEST_HZ - LOWEST_HZ) // PITCH_STEP_HZ + 1

    def __init__(self, words: Iterable[str]) -> None:
        known = tuple(dict.fromkeys(words))
        if len(known) > self.MAX:
            raise ValueError(f"at most {self.MAX} words can be told apart, not {len(known)}")
        first = LOWEST_HZ // PITCH_STEP_HZ
        self._places = {word: first + number for number, word in enumerate(known)}  # in steps of pitch
        self._words = {place: word for word, place in self._places.items()}

    def word(self, word: str, word_ms: int) -> bytes:
        """Return the sound of a word that is known."""
        moments = np.arange(word_ms * SAMPLES_PER_MS) / RATE_HZ
        tone = np.sin(2 * np.pi * self._places[word] * PITCH_STEP_HZ * moments)
        return g711.encode((tone * _PEAK).astype(np.int16))

    def understand(self, ulaw: bytes) -> list[CodedWord]:
        """Return the words in a stretch of speech, timed to some 10 ms."""
        found: list[CodedWord] = []
        for place, start_ms, end_ms in _stretches(ulaw):
            if place in self._words and end_ms - start_ms >= WORD_MIN_MS:
                found.append(CodedWord(self._words[place], start_ms, end_ms))
        return found


def audible(ulaw: bytes) -> list[tuple[int, int]]:
    """Return from which to which millisecond something can be heard, in steps of 10 ms."""
    frame = _HOP_MS * SAMPLES_PER_MS
    samples = _samples(ulaw)[: len(ulaw) // frame * frame].reshape(-1, frame)
    loud = np.sqrt(np.mean(samples**2, axis=1)) >= AUDIBLE_RMS
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False]))))
    return [(int(start) * _HOP_MS, int(end) * _HOP_MS) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _stretches(ulaw: bytes) -> Iterable[tuple[int, int, int]]:
    """Yield the stretches of one pitch, in steps of pitch, with their first and last millisecond; -1: of none."""
    window, hop = _WINDOW_MS * SAMPLES_PER_MS, _HOP_MS * SAMPLES_PER_MS
    if len(ulaw) < window:
        return
    windows = np.lib.stride_tricks.sliding_window_view(_samples(ulaw), window)[::hop]
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    power[:, 0] = 0.0
    places = np.argmax(power, axis=1)
    total = power.sum(axis=1)
    # Parseval, for one side of the spectrum.
    rms = np.sqrt(2 * total) / window
    pure = power[np.arange(len(places)), places] >= _PURE * total
    places = np.where(pure & (rms >= AUDIBLE_RMS), places, -1)
    edges = np.flatnonzero(np.diff(places)) + 1
    # A window counts where its middle is; of the first and the last in a word about as much lies beside it.
    beside_ms = round(_WINDOW_MS * (1 - _PURE))
    for start, end in zip(np.concatenate(([0], edges)), np.concatenate((edges, [len(places)])), strict=True):
        start_ms, end_ms = int(start) * _HOP_MS, (int(end) - 1) * _HOP_MS + _WINDOW_MS
        yield int(places[start]), start_ms + beside_ms, max(start_ms, end_ms - beside_ms)


def _samples(ulaw: bytes) -> NDArray[np.float64]:
    return g711.decode(ulaw).astype(np.float64)
