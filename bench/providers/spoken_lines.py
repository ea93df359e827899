"""Words by the very sound of a persona's lines: a recogniser of a language that no recogniser at hand knows. Sans-I/O.

A line on the carrier in a box is the same samples in each call, and reaches a speech vendor unchanged. So what is
understood is tied to what arrived: a line that was cut, or of which the gate kept the beginning back, has lost its
words, and nothing is known before it was heard. Lines under noise or an echo are not made out at all.

µ-law, 8 kHz, in whole frames of 20 ms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.providers.coded_speech import CodedWord
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, FRAME_SAMPLES

WORD_SHARE_MIN: Final = 0.5  # of its frames that must arrive for a word to be made out
_SILENT: Final = ULAW_SILENCE * FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Line:
    """What is said, and its sound. `first` and `last`: samples between which it is audible, `last` not included."""

    text: str
    ulaw: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    first: int  # frame of the line
    last: int  # not included
    sounding: frozenset[int]  # those that are not silent


@dataclass(slots=True)
class SpokenLines:
    """Implements `bench.providers.speech_script.Understands`."""

    _places: dict[bytes, list[tuple[int, int]]] = field(default_factory=dict)  # frame to (line, number in it)
    _words: list[tuple[_Word, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "SpokenLines":
        """Return what understands those lines; a text that several have is understood by each one's sound."""
        known = cls()
        for number, line in enumerate(lines):
            known._words.append(_spread(line))
            for place, frame in enumerate(_frames(line.ulaw)):
                if frame != _SILENT:
                    known._places.setdefault(frame, []).append((number, place))
        return known

    def understand(self, ulaw: bytes) -> list[CodedWord]:
        """Return the words in a stretch of sound, in the order in which they were said."""
        heard: dict[tuple[int, int], set[int]] = {}  # (line, frame of the stretch that it begins at) to its frames
        for at, frame in enumerate(_frames(ulaw)):
            for line, place in self._places.get(frame, ()):
                heard.setdefault((line, at - place), set()).add(place)
        found = [word for (line, began), places in heard.items() for word in self._made_out(line, began, places)]
        return sorted(_one_at_a_time(found), key=lambda word: word.start_ms)

    def _made_out(self, line: int, began: int, places: set[int]) -> Iterable[CodedWord]:
        for word in self._words[line]:
            # Silent frames are everybody's: a word that two stretches share would be lost in both with them.
            arrived = places & word.sounding
            more = len(arrived) / max(1, len(word.sounding)) - WORD_SHARE_MIN
            # Of two stretches that share it evenly the first one has it: both would tell it twice.
            if more > 0 or (more == 0 and min(word.sounding) in arrived):
                yield CodedWord(word.text, max(0, began + word.first) * FRAME_MS, (began + word.last) * FRAME_MS)


def _one_at_a_time(words: Sequence[CodedWord]) -> Iterable[CodedWord]:
    """Leave out words that lie over another one: two lines that begin alike share frames."""
    taken: list[CodedWord] = []
    for word in sorted(words, key=lambda one: one.start_ms - one.end_ms):
        if all(word.end_ms <= other.start_ms or other.end_ms <= word.start_ms for other in taken):
            taken.append(word)
    return taken


def _spread(line: Line) -> tuple[_Word, ...]:
    """Return a line's words with the frames that are theirs, by their lengths in letters."""
    words = line.text.split()
    letters = [len(word) for word in words]
    length = max(line.last - line.first, FRAME_SAMPLES)
    sounding = {number for number, frame in enumerate(_frames(line.ulaw)) if frame != _SILENT}
    placed = []
    for number, word in enumerate(words):
        start, end = (line.first + length * sum(letters[:upto]) // sum(letters) for upto in (number, number + 1))
        first = start // FRAME_SAMPLES
        last = max(first + 1, end // FRAME_SAMPLES)
        placed.append(_Word(word, first, last, frozenset(n for n in range(first, last) if n in sounding)))
    return tuple(placed)


def _frames(ulaw: bytes) -> Iterable[bytes]:
    for start in range(0, len(ulaw), FRAME_SAMPLES):
        yield ulaw[start : start + FRAME_SAMPLES].ljust(FRAME_SAMPLES, ULAW_SILENCE)
