"""How a recogniser's server understands: its script's texts, or the coded words that arrived. Sans-I/O.

Times are of the stream: milliseconds of audio since the connection's first sample, as the vendors count.
"""

from dataclasses import dataclass, field
from typing import Final

from bench.providers.coded_speech import CodedWord, is_voiced, spread
from bench.providers.speech_script import Hearing
from media.frame import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS

_NEARLY: Final = 0.2  # of a word: packets do not end where words do
_KEPT_MS: Final = 120_000  # of a stretch that nobody ends


@dataclass(slots=True)
class Ear:
    hearing: Hearing
    heard_ms: int = 0  # of the stream
    voiced: bool = False  # there was voice since the last final
    first_voiced_ms: int = 0
    last_voiced_ms: int = 0
    _said: int = 0  # texts
    _told: int = 0  # words of a text whose length is known, by finals
    _began_ms: int = 0  # that text
    _since_ms: int = 0  # where the stretch begins that no final has told of
    _stretch: bytearray = field(default_factory=bytearray)

    def feed(self, ulaw: bytes) -> bool:
        """Take a packet, which may begin in silence; True when it is voiced."""
        start_ms, self.heard_ms = self.heard_ms, self.heard_ms + len(ulaw) // SAMPLES_PER_MS
        if self.hearing.vocabulary is not None:
            self._stretch += ulaw
            del self._stretch[: max(0, len(self._stretch) - _KEPT_MS * SAMPLES_PER_MS)]
        pieces = [ulaw[at : at + FRAME_SAMPLES] for at in range(0, len(ulaw), FRAME_SAMPLES)]
        voiced = [number for number, piece in enumerate(pieces) if is_voiced(piece)]
        if not voiced:
            return False
        if not self.voiced:
            self.voiced, self.first_voiced_ms = True, start_ms + voiced[0] * FRAME_MS
            if not self._told:
                self._began_ms = self.first_voiced_ms
        self.last_voiced_ms = min(self.heard_ms, start_ms + (voiced[-1] + 1) * FRAME_MS)
        return True

    @property
    def words(self) -> list[CodedWord]:
        """What has been understood since the last final."""
        if self.hearing.vocabulary is not None:
            return [
                CodedWord(word.text, word.start_ms + self._since_ms, word.end_ms + self._since_ms)
                for word in self.hearing.vocabulary.understand(bytes(self._stretch))
            ]
        if not self.voiced:
            return []
        if not self.hearing.spoken_ms:
            return self._spread(self.first_voiced_ms, self.last_voiced_ms - self.first_voiced_ms)
        heard = (self.last_voiced_ms - self._began_ms) / self.hearing.spoken_ms
        words = self._spread(self._began_ms, self.hearing.spoken_ms)
        return words[self._told : max(1, int(len(words) * heard + _NEARLY))]

    @property
    def partial(self) -> list[CodedWord]:
        """What a first guess has: all but the last word, which may not be whole, until there was time to know it."""
        quiet_ms = self.heard_ms - self.last_voiced_ms
        known = self.hearing.partial_s is not None and quiet_ms >= self.hearing.partial_s * 1000
        words = self.words
        return words if known or len(words) <= 1 else words[:-1]

    @property
    def _text(self) -> str:
        return self.hearing.texts[min(self._said, len(self.hearing.texts) - 1)]

    def _spread(self, began_ms: int, length_ms: int) -> list[CodedWord]:
        """Return the text's words, spread evenly."""
        return [
            CodedWord(word.text, word.start_ms + began_ms, word.end_ms + began_ms)
            for word in spread(self._text, max(1, length_ms))
        ]

    def end(self) -> tuple[list[CodedWord], int, int]:
        """A final is told: return its words, and where its stretch begins and ends."""
        told = (self.words, self._since_ms, self.heard_ms)
        self._told += len(told[0])
        if not self.hearing.spoken_ms or self._told >= len(self._text.split()):
            self._said += self.voiced
            self._told = 0
        self.voiced = False
        self._since_ms = self.heard_ms
        self._stretch.clear()
        return told
