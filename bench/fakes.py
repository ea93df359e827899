"""Minds that take no time, as providers like any other: what is left to measure is the server.

The recogniser has its final text as soon as it is asked, the model all its words at once, the voice its whole tone.
They implement `agent/stt/port.py`, `agent/llm/port.py` and `agent/tts/port.py`; the product knows nothing of them.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.llm.port import Delta, Request, Text, Usage
from agent.ports import Minds
from agent.stt.port import PCM_UTTERANCES, Feeding, HeardWord, Transcript
from agent.tts.port import Speech, SpokenWord
from media.frame import RATE_HZ, samples_to_ms

TONE_HZ: Final = 400
TONE_MS: Final = 2_000
_TONE_PEAK: Final = 6_000  # some -15 dB of full scale: a voice's loudness, far from clipping
ANSWER: Final = "That makes sense, and I can tell you more about it now."
HEARD: Final = "Yes, I would like to hear more."  # no word of assent: it takes the floor


def _tone() -> bytes:
    moments = np.arange(TONE_MS * RATE_HZ // 1000) / RATE_HZ
    return (np.sin(2 * np.pi * TONE_HZ * moments) * _TONE_PEAK).astype(np.int16).tobytes()


def spread_words(text: str, length_ms: int) -> tuple[SpokenWord, ...]:
    """Return the words of a text, spread evenly over a length."""
    words = text.split()
    return tuple(
        SpokenWord(word, index * length_ms // len(words), (index + 1) * length_ms // len(words))
        for index, word in enumerate(words)
    )


TONE: Final = _tone()


class InstantRecognizer:
    """Implements `Recognizer`: counts what it is fed, and knows the text 0 ms after `finish`."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(self) -> None:
        self._fed_bytes = 0

    def begin(self) -> None:
        self._fed_bytes = 0

    def feed(self, audio: bytes) -> None:
        self._fed_bytes += len(audio)

    async def finish(self) -> Transcript:
        heard_ms, self._fed_bytes = samples_to_ms(self._fed_bytes // 2), 0
        if not heard_ms:
            return Transcript("")
        words = tuple(HeardWord(word.text, word.start_ms, word.end_ms) for word in spread_words(HEARD, heard_ms))
        return Transcript(HEARD, words)

    async def aclose(self) -> None:
        self._fed_bytes = 0


@dataclass(frozen=True, slots=True)
class InstantModel:
    """Implements `Model`: twelve words at once, whatever was said."""

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        words = sum(len(message.text.split()) for message in request.messages)
        yield Text(ANSWER)
        yield Usage(prompt_tokens=words, completion_tokens=len(ANSWER.split()))


@dataclass(frozen=True, slots=True)
class ToneVoice:
    """Implements `Voice`: a tone of two seconds at once for any text, its words spread evenly."""

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        yield Speech(TONE, RATE_HZ, spread_words(text, TONE_MS))


def instant_minds() -> Minds:
    """Return the minds of one call."""
    return Minds(InstantRecognizer(), InstantModel(), ToneVoice(), frozenset({"uh-huh"}), {}, open_ear=_open_ear)


async def _open_ear() -> InstantRecognizer:
    """For a person who joins: their voice is told from silence and their words taken down, as in the product."""
    return InstantRecognizer()
