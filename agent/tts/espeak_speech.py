"""One sentence as telephone speech: espeak's samples trimmed, levelled, resampled to 8 kHz, with each word's time.

Blocking, a few milliseconds a sentence. Whole sentences, because the level and the words' ends need all of it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from agent.tts.espeak_library import Espeak, EspeakFailed, WordStart
from agent.tts.port import SpokenWord

RATE_HZ: Final = 8_000
TEXT_CHARS_MAX: Final = 2_000  # some two minutes of speech: a bound, not a wish
_LEVEL_DBFS: Final = -20.0  # of the spoken parts: the usual level of a telephone voice (ITU-T P.56)
_ACTIVE_SHARE: Final = 0.05  # of the peak: louder samples count as speech when the level is measured
_QUIET_SHARE: Final = 0.01  # of the peak: what is quieter at either end is silence
_LEAD_KEPT_S: Final = 0.010
_TRAIL_KEPT_S: Final = 0.060
_FADE_S: Final = 0.003
_PEAK_MAX: Final = 30_000.0

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rendered:
    pcm: bytes  # int16, 8 kHz
    words: tuple[SpokenWord, ...]  # every word of the text, as written


def render(engine: Espeak, text: str, voice: str) -> Rendered:
    """Return the text as speech; no samples for a text without anything to pronounce.

    Raises:
        EspeakFailed: unknown voice, a text too long, or the library refused it.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise EspeakFailed(f"the text is longer than {TEXT_CHARS_MAX} characters")
    pieces: list[bytes] = []
    starts: list[WordStart] = []

    def take(pcm: bytes, words: list[WordStart]) -> bool:
        pieces.append(pcm)
        starts.extend(words)
        return True

    engine.speak(text, take, voice=voice)
    raw = np.frombuffer(b"".join(pieces), np.int16).astype(np.float32)
    first, last = _spoken_span(raw, engine.rate_hz)
    if first == last:
        return Rendered(b"", tuple(SpokenWord(word, 0, 0) for word in text.split()))
    spoken = np.asarray(soxr.resample(raw[first:last], engine.rate_hz, RATE_HZ), np.float32)
    pcm = _levelled(spoken).astype("<i2").tobytes()
    length_ms = len(spoken) * 1000 // RATE_HZ
    return Rendered(pcm, word_times(text, starts, first * 1000 // engine.rate_hz, length_ms))


def word_times(text: str, starts: list[WordStart], trimmed_ms: int, length_ms: int) -> tuple[SpokenWord, ...]:
    """Return the time of every blank-separated word of the text.

    `starts` are espeak's, from before `trimmed_ms` were cut off the front. A word ends where the next begins. Words
    that espeak ran into their neighbour get a share of its time by their letters.
    """
    words: list[tuple[str, int]] = []  # and its offset
    offset = 0
    for word in text.split():
        offset = text.index(word, offset)
        words.append((word, offset))
        offset += len(word)
    known: list[tuple[int, int]] = []  # offset in the text, ms
    for start in sorted(starts, key=lambda item: item.offset):
        at_ms = min(max(start.start_ms - trimmed_ms, known[-1][1] if known else 0), length_ms)
        known.append((start.offset, at_ms))
    begins = [_begin_ms(offset, offset + len(word), known, len(text), length_ms) for word, offset in words]
    if not begins:
        return ()
    begins[0] = 0
    for index in range(1, len(begins)):
        begins[index] = max(begins[index], begins[index - 1])
    ends = [*begins[1:], length_ms]
    return tuple(SpokenWord(word, begin, end) for (word, _), begin, end in zip(words, begins, ends, strict=True))


def _begin_ms(offset: int, end: int, known: list[tuple[int, int]], text_chars: int, length_ms: int) -> int:
    inside = [at_ms for position, at_ms in known if offset <= position < end]
    if inside:
        return inside[0]
    before = max(((position, at_ms) for position, at_ms in known if position < offset), default=(0, 0))
    after = min(((position, at_ms) for position, at_ms in known if position >= end), default=(text_chars, length_ms))
    if after[0] == before[0]:
        return before[1]
    share = (offset - before[0]) / (after[0] - before[0])
    return round(before[1] + share * (after[1] - before[1]))


def _spoken_span(samples: Samples, rate_hz: int) -> tuple[int, int]:
    if not len(samples):
        return 0, 0
    loudness = np.abs(samples)
    loud = np.flatnonzero(loudness > loudness.max() * _QUIET_SHARE)
    if not len(loud):
        return 0, 0
    first = max(0, int(loud[0]) - int(_LEAD_KEPT_S * rate_hz))
    last = min(len(samples), int(loud[-1]) + 1 + int(_TRAIL_KEPT_S * rate_hz))
    return first, last


def _levelled(samples: Samples) -> Samples:
    loudness = np.abs(samples)
    active = samples[loudness > loudness.max() * _ACTIVE_SHARE]
    level = float(np.sqrt(np.mean(np.square(active, dtype=np.float64))))
    levelled = samples * np.float32(32_768 * 10 ** (_LEVEL_DBFS / 20) / level)
    fade = min(int(_FADE_S * RATE_HZ), len(levelled) // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        levelled[:fade] *= ramp
        levelled[-fade:] *= ramp[::-1]
    # Peaks of a levelled voice rarely come near; bending them is not heard, wrapping around would be.
    return np.asarray(np.tanh(levelled / _PEAK_MAX) * _PEAK_MAX, np.float32)
