"""What a speech provider's server hears or says, how fast, and how it shall fail. Sans-I/O; knows no wire format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bench.providers.coded_speech import CodedWord


class Fault(StrEnum):
    """How a socket that has been taken goes wrong."""

    STALL = "stall"  # nothing more comes, and the socket stays open
    CUT = "cut"  # the connection is reset
    GARBAGE = "garbage"  # a message that is no JSON, and nothing after it
    SHAPELESS = "shapeless"  # JSON of a shape that the vendor's interface does not have, and nothing after it
    ERROR = "error"  # the vendor's own error message, and it closes


class Understands(Protocol):
    """What knows words by their sound."""

    def understand(self, ulaw: bytes) -> list[CodedWord]:
        """Return the words in a stretch of speech, µ-law at 8 kHz, timed from its first sample."""


class Pronounces(Protocol):
    """What gives words a sound."""

    def word(self, word: str, word_ms: int) -> bytes:
        """Return the sound of a word that is known, µ-law at 8 kHz."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a recogniser's connection does.

    `texts`: what each utterance was, whatever the sound; with `vocabulary` it is what really arrived, instead.
    `fault_after_ms`: of audio received.
    """

    texts: Sequence[str] = ("yes I would like to hear more about that",)
    vocabulary: Understands | None = None
    final_s: float = 0.0  # from the last voiced packet to the final text
    partial_every_ms: int = 250  # of audio
    partial_s: float | None = None  # from the last voiced packet to a first guess that has the last word too (Nova)
    spoken_ms: int = 0  # how long a text takes to be said: nobody knows words that are still to come; 0: not known
    turn_s: float = 0.3  # from the last voiced packet to the end of a turn that nobody forced (Flux)
    likely_s: float = 0.1  # from the last voiced packet to a first guess that the turn is over (Flux)
    idle_s: float = 10.0  # without audio or KeepAlive; then the vendor closes
    fault: Fault | None = None
    fault_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Saying:
    """What a voice's connection does. `fault_after`: pieces that come before the fault, of all that it says."""

    first_audio_s: float = 0.0  # from the first text that can be spoken to its first sound
    gap_s: float = 0.0  # between pieces
    piece_ms: int = 250
    word_ms: int = 240
    length_ms: int = 0  # each text takes this long, its words spread evenly; 0: as long as its words take
    sound: bytes = b""  # µ-law, instead of coded words: cut or repeated to the text's length
    vocabulary: Pronounces | None = None
    aligned: bool = True  # tells the times of characters
    fault: Fault | None = None
    fault_after: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The connection is refused with an error's status."""

    status: int
    delay_s: float = 0.0
    code: str = ""  # the vendor's own, if not the one that the status mostly has


@dataclass(slots=True)
class Seen:
    """A connection as the server saw it, and what became of it."""

    path: str
    query: Mapping[str, str]
    key: str
    number: int  # counted from 1
    audio: bytearray = field(default_factory=bytearray)  # all that a recogniser was sent
    messages: list[str] = field(default_factory=list)  # the client's texts, as they came
    texts: list[str] = field(default_factory=list)  # what a voice was asked to say
    pieces_sent: int = 0
    cancelled: int = 0  # texts that were taken back before they were said
    closed: bool = False


Reaction = Hearing | Saying | Refusal
Script = Callable[[Seen], Reaction]


@dataclass(slots=True)
class InTurn:
    """A script that gives its reactions one after another, the last one for ever."""

    reactions: Sequence[Reaction]
    given: int = 0

    def __call__(self, _seen: Seen) -> Reaction:
        reaction = self.reactions[min(self.given, len(self.reactions) - 1)]
        self.given += 1
        return reaction
