"""What a speech recogniser is to a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from agent.llm.port import Failure

PREROLL_MS: Final = 480  # audio before the voice was noticed, its first syllable: an utterance begins with it


class TranscriptionUnavailable(Exception):
    """The recogniser failed or is away; the audio fed so far may be fed again to another one."""

    def __init__(self, message: str = "", failure: Failure = Failure.UNAVAILABLE) -> None:
        super().__init__(message or failure.value)
        self.failure = failure


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


class TurnSign(Enum):
    """What an engine that listens for turns says of them, ahead of what the voice detector finds."""

    STARTED = auto()
    PROBABLY_OVER = auto()
    WENT_ON = auto()  # after PROBABLY_OVER: they were not done
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Feeding:
    """How an engine wants its audio: mono, 8 kHz."""

    ulaw: bool = False  # frames as they came from the line, a byte a sample; otherwise int16
    continuous: bool = False  # everything, silence too, and `begin` comes PREROLL_MS late; otherwise utterances only


PCM_UTTERANCES: Final = Feeding()


class Recognizer(Protocol):
    """One call's recogniser. An utterance is begun, fed and finished; one at a time."""

    @property
    def feeding(self) -> Feeding: ...

    def begin(self) -> None:
        """Start an utterance; drops an unfinished one."""

    def feed(self, audio: bytes) -> None:
        """Take samples, in the form that `feeding` says. Never waits."""

    async def finish(self) -> Transcript:
        """End the utterance and return what was said.

        Raises:
            TranscriptionUnavailable: the engine is away or did not answer in time.
        """
        ...

    async def aclose(self) -> None: ...


OnPartial = Callable[[str], None]
OnTurn = Callable[[TurnSign], None]


def no_words(_text: str) -> None:
    """For who does not follow what is understood before an utterance is over."""


def no_turns(_sign: TurnSign) -> None:
    """For who does not listen to turn signs."""


class RecognizerFactory(Protocol):
    """Opens recognisers; owned by the process, shared by its calls."""

    async def open(self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns) -> Recognizer:
        """Return a warm recogniser for one call. `phrases` bias or bound what it knows.

        `on_turn` hears of turns from engines that know of them, before `finish` is asked.

        Raises:
            TranscriptionUnavailable: it cannot be had now.
        """
        ...
