"""Speech that says which words it is made of: each word a tone at half the sampling rate, of a loudness of its own.

A server that hears it writes down what really arrived, and a test that hears it knows what was really said: a word
that was lost, doubled or cut shows. Sans-I/O; µ-law, 8 kHz.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from media.codec.g711 import ULAW_SILENCE
from media.frame import SAMPLES_PER_MS

WORD_MS: Final = 240
PAUSE_MS: Final = 60  # between words
WORD_MIN_MS: Final = 100  # less of a word is not made out
_SIGN: Final = 0x80
# Codes of µ-law amplitudes that are well above silence and below full scale; each is a word.
_LOUDEST: Final = 0x08
_FAINTEST: Final = 0x48


@dataclass(frozen=True, slots=True)
class CodedWord:
    text: str
    start_ms: int  # since the first sample that was heard
    end_ms: int


class Vocabulary:
    """Words by their loudness; `words` are given codes in their order."""

    MAX: Final = _FAINTEST - _LOUDEST

    def __init__(self, words: Iterable[str]) -> None:
        known = tuple(dict.fromkeys(words))
        if len(known) > self.MAX:
            raise ValueError(f"at most {self.MAX} words can be told apart, not {len(known)}")
        self._codes = {word: _LOUDEST + number for number, word in enumerate(known)}
        self._words = {code: word for word, code in self._codes.items()}

    def say(self, text: str, word_ms: int = WORD_MS, pause_ms: int = PAUSE_MS) -> bytes:
        """Return the speech of a text whose words are all known."""
        pause = ULAW_SILENCE * (pause_ms * SAMPLES_PER_MS)
        return b"".join(self.word(word, word_ms) + pause for word in text.split())

    def word(self, word: str, word_ms: int) -> bytes:
        code = self._codes[word]
        return bytes((code, code | _SIGN)) * (word_ms * SAMPLES_PER_MS // 2)

    def understand(self, ulaw: bytes) -> list[CodedWord]:
        """Return the words in a stretch of speech."""
        return [
            CodedWord(self._words[code], start // SAMPLES_PER_MS, end // SAMPLES_PER_MS)
            for code, start, end in runs(ulaw)
            if code in self._words and end - start >= WORD_MIN_MS * SAMPLES_PER_MS
        ]


def runs(ulaw: bytes) -> list[tuple[int, int, int]]:
    """Return the stretches of one loudness: its code without the sign, first sample, last sample + 1."""
    codes = ulaw.translate(_UNSIGNED)
    found: list[tuple[int, int, int]] = []
    start = 0
    while start < len(codes):
        code = codes[start]
        rest = codes[start:].lstrip(codes[start : start + 1])
        end = len(codes) - len(rest)
        found.append((code, start, end))
        start = end
    return found


def is_voiced(ulaw: bytes) -> bool:
    """True for a packet that is louder than a line's noise anywhere."""
    # The codes of µ-law fall as loudness rises: 0x7F is silence, 0x00 the loudest.
    return min(ulaw.translate(_UNSIGNED), default=_UNSIGNED[0xFF]) <= _FAINTEST


def spread(text: str, length_ms: int) -> Sequence[CodedWord]:
    """Return the words of a text, spread evenly over a length."""
    words = text.split()
    return [
        CodedWord(word, number * length_ms // len(words), (number + 1) * length_ms // len(words))
        for number, word in enumerate(words)
    ]


_UNSIGNED: Final = bytes(code & 0x7F for code in range(256))
