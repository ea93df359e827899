"""How a recogniser's server understands: its script's texts, or the coded words that arrived. Sans-I/O.

Times are of the stream: milliseconds of audio since the connection's first sample, as the vendors count.
"""

from dataclasses import dataclass, field
from typing import Final

from bench.providers.coded_speech import CodedWord, is_voiced, spread
from bench.providers.speech_script import Hearing
from media.frame import SAMPLES_PER_MS

_KEPT_MS: Final = 120_000  # of a stretch that nobody ends


@dataclass(slots=True)
class Ear:
    hearing: Hearing
    heard_ms: int = 0  # of the stream
    voiced: bool = False  # there was voice since the last final
    first_voiced_ms: int = 0
    last_voiced_ms: int = 0
    _said: int = 0  # texts
    _since_ms: int = 0  # where the stretch begins that no final has told of
    _stretch: bytearray = field(default_factory=bytearray)

    def feed(self, ulaw: bytes) -> bool:
        """Take a packet; True when it is voiced."""
        start_ms, self.heard_ms = self.heard_ms, self.heard_ms + len(ulaw) // SAMPLES_PER_MS
        if self.hearing.vocabulary is not None:
            self._stretch += ulaw
            del self._stretch[: max(0, len(self._stretch) - _KEPT_MS * SAMPLES_PER_MS)]
        if not is_voiced(ulaw):
            return False
        if not self.voiced:
            self.voiced, self.first_voiced_ms = True, start_ms
        self.last_voiced_ms = self.heard_ms
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
        text = self.hearing.texts[min(self._said, len(self.hearing.texts) - 1)]
        length_ms = max(1, self.last_voiced_ms - self.first_voiced_ms)
        return [
            CodedWord(word.text, word.start_ms + self.first_voiced_ms, word.end_ms + self.first_voiced_ms)
            for word in spread(text, length_ms)
        ]

    @property
    def partial(self) -> list[CodedWord]:
        """What a first guess has: all but the last word, which may not be whole, until there was time to know it."""
        quiet_ms = self.heard_ms - self.last_voiced_ms
        known = self.hearing.partial_s is not None and quiet_ms >= self.hearing.partial_s * 1000
        return self.words if known or len(self.words) <= 1 else self.words[:-1]

    def end(self) -> tuple[list[CodedWord], int, int]:
        """A final is told: return its words, and where its stretch begins and ends."""
        told = (self.words, self._since_ms, self.heard_ms)
        self._said += self.voiced
        self.voiced = False
        self._since_ms = self.heard_ms
        self._stretch.clear()
        return told
