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

EARLY_BEEP_MS: Final = 2_000  # a mailbox may beep before the silence behind its words was long enough to end a turn
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

_MAILBOX: Final = Verdict(Who.VOICEMAIL, _WORDS, "words")


class MachineEar:
    """One call's. `on_beep` is told of a beep after which somebody is asked to speak."""

    def __init__(self, words: GreetingWords, on_beep: Callable[[], None]) -> None:
        self._words = words
        self._on_beep = on_beep
        self._beeps = BeepDetector(self._tone)
        self._talked_ms = 0  # how long the answerer's utterances were so far
        self._now_ms = 0
        self._beeped_ms: int | None = None  # where a beep ended before it was known that somebody had spoken
        self.verdict = Verdict(Who.UNKNOWN, 0.0, "")
        self.listening = True

    def hear(self, pcm: bytes, at_ms: int) -> None:
        """Take a frame of the answerer's audio: int16 samples, 8 kHz, 20 ms."""
        if self.listening:
            self._now_ms = at_ms
            self._beeps.hear(np.frombuffer(pcm, np.int16), at_ms)
            self.listening = at_ms < EAR_MAX_MS

    def kind_of(self, text: str, before: str = "") -> Speaks | None:
        """Return what words are like; where they tell nothing by themselves, with those that went `before`."""
        own = self._words.kind_of(text)
        if own is not None or not before.strip():
            return own
        joined = self._words.kind_of(f"{before} {text}")
        return joined if text or joined is not Speaks.PERSON else None  # a sound belongs to what a machine reads out

    def said(self, speaks: Speaks | None, voiced_ms: int) -> None:
        """Take an utterance of theirs, whose words are like that."""
        self._talked_ms += voiced_ms
        if speaks is not None:
            self._judge(Verdict(_BY_WORDS[speaks], _WORDS, "words"))
        elif voiced_ms > timing.LONG_GREETING_MS:
            self._judge(Verdict(Who.VOICEMAIL, _LENGTH, "length"))
        if self._beeped_ms is not None and self._now_ms - self._beeped_ms <= EARLY_BEEP_MS:
            self._beep()
        self._beeped_ms = None

    def carrier_said(self, *, machine: bool) -> bool:
        """Take the carrier's word; False when we know better."""
        verdict = Verdict(Who.VOICEMAIL if machine else Who.PERSON, _CARRIER, "carrier")
        self._judge(verdict)
        return self.verdict.who is verdict.who

    @property
    def is_mailbox(self) -> bool:
        """True when a mailbox greets, by what it says."""
        return self.verdict == _MAILBOX

    @property
    def in_doubt(self) -> bool:
        """True when it may be a machine, and nothing that it said tells."""
        return self.verdict.who is Who.VOICEMAIL and self.verdict.why in ("length", "carrier")

    def person_talks(self) -> None:
        """Somebody spoke to us, in words no machine says."""
        self._judge(Verdict(Who.PERSON, _WORDS, "words"))

    def stop(self) -> None:
        """It is a conversation: tones mean nothing any more."""
        self.listening = False

    def _tone(self, tone: Tone) -> None:
        if tone.kind is not ToneKind.BEEP:
            return
        if self._talked_ms:
            self._beep()
        else:
            self._beeped_ms = tone.ended_ms  # a tone before anybody spoke is the line's; one behind their words is not

    def _beep(self) -> None:
        # A screener's asks for a name, which was asked for in words; people are called while they are called.
        if self.verdict.who in (Who.SCREENER, Who.MENU, Who.PERSON):
            return
        self._judge(Verdict(Who.VOICEMAIL, _BEEP, "beep"))
        self._on_beep()

    def _judge(self, verdict: Verdict) -> None:
        if verdict.confidence >= self.verdict.confidence:
            self.verdict = verdict
