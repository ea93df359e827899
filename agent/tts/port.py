"""What a voice is to a conversation."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


class SpeechUnavailable(Exception):
    """The voice failed, at any point of a sentence."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str  # as written, punctuation included, so that joining by blanks gives the text back
    start_ms: int  # since the first sample of this text
    end_ms: int


@dataclass(frozen=True, slots=True)
class Speech:
    pcm: bytes  # int16 mono
    rate_hz: int
    words: tuple[SpokenWord, ...] = ()  # words that begin in or before this piece, each reported once


class Voice(Protocol):
    def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Yield the speech of one sentence or clause as it arrives; closing the generator stops the request.

        Raises:
            SpeechUnavailable: at any point, including mid-sentence.
        """
        ...
