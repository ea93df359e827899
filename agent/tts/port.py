"""What a voice is to a conversation."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from agent.llm.port import Failure


class SpeechUnavailable(Exception):
    """The voice failed, at any point of a sentence."""

    def __init__(self, message: str = "", failure: Failure = Failure.UNAVAILABLE, *, elsewhere: bool = False) -> None:
        super().__init__(message or failure.value)
        self.failure = failure
        self.elsewhere = elsewhere  # asked again, another voice speaks


@dataclass(frozen=True, slots=True)
class SpokenWord:
    text: str  # as written, punctuation included, so that joining by blanks gives the text back
    start_ms: int  # since the first sample of this text
    end_ms: int


class Encoding(Enum):
    PCM = auto()  # int16 mono
    ULAW = auto()  # one byte a sample, 8 kHz: what the line carries, so that nothing is resampled


@dataclass(frozen=True, slots=True)
class Speech:
    audio: bytes
    rate_hz: int
    words: tuple[SpokenWord, ...] = ()  # words that begin in or before this piece, each reported once
    encoding: Encoding = Encoding.PCM


class Voice(Protocol):
    def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Yield the speech of one sentence or clause as it arrives; closing the generator stops the request.

        Raises:
            SpeechUnavailable: at any point, including mid-sentence.
        """
        ...
