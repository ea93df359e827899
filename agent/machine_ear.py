"""Who answered the telephone: a person, a machine that records, a screener, a menu. Sans-I/O.

The evidence is the carrier's word, how long the first utterance was, what its words are like, and the beep. Words
count most: whoever talks like a person is never treated as a machine, whatever the carrier says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from agent.beep import BeepDetector, Tone, ToneKind
from agent.greeting_words import GreetingWords, Speaks
from agent.turns import timing

EAR_MAX_MS: Final = 90_000  # after this long nobody listens for beeps any more: it is a conversation


class Who(StrEnum):
    UNKNOWN = "unknown"
    PERSON = "person"
    VOICEMAIL = "voicemail"
    SCREENER = "screener"
    MENU = "menu"


@dataclass(frozen=True, slots=True)
class Verdict:
    who: Who
    confidence: float  # 0 to 1
    why: str  # "words", "length", "carrier", "beep"


# How much each kind of evidence is worth; a later verdict stands when it is worth as much.
_WORDS: Final = 0.9
_BEEP: Final = 0.85
_CARRIER: Final = 0.7
_LENGTH: Final = 0.5
_BY_WORDS: Final = {
    Speaks.SCREENING: Who.SCREENER,
    Speaks.HOLD: Who.SCREENER,
    Speaks.VOICEMAIL: Who.VOICEMAIL,
    Speaks.MENU: Who.MENU,
    Speaks.PERSON: Who.PERSON,
}


class MachineEar:
    """One call's. `on_beep` is told of a beep after which somebody is asked to speak."""

    def __init__(self, words: GreetingWords, on_beep: Callable[[], None]) -> None:
        self._words = words
        self._on_beep = on_beep
        self._beeps = BeepDetector(self._tone)
        self._talked_ms = 0  # how long the answerer's utterances were so far
        self.verdict = Verdict(Who.UNKNOWN, 0.0, "")
        self.listening = True

    def hear(self, pcm: bytes, at_ms: int) -> None:
        """Take a frame of the answerer's audio: int16 samples, 8 kHz, 20 ms."""
        if self.listening:
            self._beeps.hear(np.frombuffer(pcm, np.int16), at_ms)
            self.listening = at_ms < EAR_MAX_MS

    def said(self, text: str, voiced_ms: int) -> Speaks | None:
        """Take an utterance of theirs; returns what its words are like."""
        self._talked_ms += voiced_ms
        speaks = self._words.kind_of(text)
        if speaks is not None:
            self._judge(Verdict(_BY_WORDS[speaks], _WORDS, "words"))
        elif voiced_ms > timing.LONG_GREETING_MS:
            self._judge(Verdict(Who.VOICEMAIL, _LENGTH, "length"))
        return speaks

    def carrier_said(self, *, machine: bool) -> bool:
        """Take the carrier's word; False when we know better."""
        verdict = Verdict(Who.VOICEMAIL if machine else Who.PERSON, _CARRIER, "carrier")
        self._judge(verdict)
        return self.verdict.who is verdict.who

    def person_talks(self) -> None:
        """Somebody spoke to us, in words no machine says."""
        self._judge(Verdict(Who.PERSON, _WORDS, "words"))

    def stop(self) -> None:
        """It is a conversation: tones mean nothing any more."""
        self.listening = False

    def _tone(self, tone: Tone) -> None:
        # A tone before anybody spoke is the line's; a screener's asks for a name, which was asked for in words.
        if tone.kind is not ToneKind.BEEP or not self._talked_ms or self.verdict.who in (Who.SCREENER, Who.PERSON):
            return
        self._judge(Verdict(Who.VOICEMAIL, _BEEP, "beep"))
        self._on_beep()

    def _judge(self, verdict: Verdict) -> None:
        if verdict.confidence >= self.verdict.confidence:
            self.verdict = verdict
