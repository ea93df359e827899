"""What a speech recogniser is to a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class TranscriptionUnavailable(Exception):
    """The recogniser failed or is away; the audio fed so far may be fed again to another one."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    text: str
    start_ms: int  # since the utterance's first sample fed
    end_ms: int


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str  # empty: nothing that could be understood
    words: tuple[HeardWord, ...] = ()
    confidence: float = 1.0  # 0 to 1


class Recognizer(Protocol):
    """One call's recogniser. An utterance is begun, fed and finished; one at a time."""

    def begin(self) -> None:
        """Start an utterance; drops an unfinished one."""

    def feed(self, pcm: bytes) -> None:
        """Take int16 mono 8 kHz samples of the utterance. Never waits."""

    async def finish(self) -> Transcript:
        """End the utterance and return what was said.

        Raises:
            TranscriptionUnavailable: the engine is away or did not answer in time.
        """
        ...

    async def aclose(self) -> None: ...


OnPartial = Callable[[str], None]


class RecognizerFactory(Protocol):
    """Opens recognisers; owned by the process, shared by its calls."""

    async def open(self, phrases: tuple[str, ...], on_partial: OnPartial) -> Recognizer:
        """Return a warm recogniser for one call. `phrases` bias or bound what it knows.

        Raises:
            TranscriptionUnavailable: it cannot be had now.
        """
        ...
