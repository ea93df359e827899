"""The simulated call's voices: words in time, spoken as numbers (bench/sim/word_code.py), with voices' faults."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from agent.llm.port import Failure
from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord
from bench.sim import word_code
from media.frame import RATE_HZ

_GAP_MS: Final = 40  # between words
_FASTER: Final = 6  # than it is heard, as vendors send it
_STALL_S: Final = 30.0


class VoiceFault(Enum):
    NONE = "none"
    REFUSES = "refuses"  # before any sound
    BREAKS = "breaks"  # in mid-sentence
    STALLS = "stalls"  # in mid-sentence, for ever
    MUTE = "mute"  # from the beginning, for ever


@dataclass(slots=True)
class Lexicon:
    """All words that voices have begun to make, by number: text and length in ms."""

    words: list[tuple[str, int]] = field(default_factory=list)

    def add(self, text: str, length_ms: int) -> int:
        self.words.append((text, length_ms))
        return len(self.words) - 1


@dataclass(slots=True)
class SimVoice:
    """Implements `Voice`. The same text takes the same time, whoever speaks at this `pace`."""

    name: str
    lexicon: Lexicon
    dice: random.Random
    note: Callable[[str, str], None]
    first_audio_s: float = 0.09
    pace: float = 1.0
    fault: Callable[[], VoiceFault] = lambda: VoiceFault.NONE

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        fault = self.fault()
        words = text.split()
        fails_at = self.dice.randrange(len(words)) if words else 0
        await asyncio.sleep(self.first_audio_s * self.dice.uniform(0.8, 1.3))
        if fault is VoiceFault.REFUSES:
            self.note(self.name, "refuses")
            raise SpeechUnavailable(f"{self.name}: 503")
        if fault is VoiceFault.MUTE:
            self.note(self.name, "stays mute")
            await asyncio.sleep(_STALL_S)
        at_ms = 0
        for place, word in enumerate(words):
            if place == fails_at and fault is VoiceFault.BREAKS:
                self.note(self.name, f"breaks off before {word!r}")
                raise SpeechUnavailable(f"{self.name}: cut", Failure.CUT)
            if place == fails_at and fault is VoiceFault.STALLS:
                self.note(self.name, f"stalls before {word!r}")
                await asyncio.sleep(_STALL_S)
            length_ms = round(word_ms(word) * self.pace)
            audio = word_code.encode(self.lexicon.add(word, length_ms), length_ms)
            spoken = SpokenWord(word, at_ms, at_ms + length_ms)
            yield Speech(audio + word_code.silence(_GAP_MS), RATE_HZ, (spoken,), Encoding.ULAW)
            at_ms += length_ms + _GAP_MS
            await asyncio.sleep((length_ms + _GAP_MS) / 1_000 / _FASTER)


@dataclass(slots=True)
class SimPhrases:
    """Implements `agent.tts.phrase_cache.Phrases`: what was made ready before the dial, in the voice's own pace."""

    ready: frozenset[str]
    lexicon: Lexicon
    pace: float

    def load(self, voice: str, text: str) -> list[Speech] | None:
        if text not in self.ready:
            return None
        pieces = []
        at_ms = 0
        for word in text.split():
            length_ms = round(word_ms(word) * self.pace)
            audio = word_code.encode(self.lexicon.add(word, length_ms), length_ms) + word_code.silence(_GAP_MS)
            pieces.append(Speech(audio, RATE_HZ, (SpokenWord(word, at_ms, at_ms + length_ms),), Encoding.ULAW))
            at_ms += length_ms + _GAP_MS
        return pieces

    def store(self, voice: str, text: str, speech: Sequence[Speech]) -> None:
        """Nothing is made ready in mid-call."""


def word_ms(word: str) -> int:
    """Return how long a word takes at an even pace."""
    return min(700, 110 + 45 * len(word))
