"""What one simulated call was: the truth of both ends, what the product told of it, and what it left behind. Sans-I/O.

Times are milliseconds since the loop began, at the prospect's ear and mouth unless a field says otherwise.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from agent.llm.port import Message
from events.call import Event, Finished, TurnFinished


class SoundKind(Enum):
    SPEECH = "speech"
    ASSENT = "assent"  # a word that takes no floor
    NOISE = "noise"  # a cough


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch of the prospect's sound without a pause."""

    kind: SoundKind
    text: str
    start_ms: float
    end_ms: float
    goes_on: bool = False  # more of the same utterance follows it


@dataclass(frozen=True, slots=True)
class PlayedWord:
    """A word of the agent's, as far as the prospect heard it."""

    text: str
    heard_ms: int  # different milliseconds of it
    length_ms: int
    first_ms: float  # when its first sound was heard


@dataclass(frozen=True, slots=True)
class Span:
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Whoever had the word was lost from then on, until they were back, or the call was taken from them."""

    start_ms: float
    end_ms: float
    gone: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the model."""

    at_ms: float
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the call's story."""

    at_ms: float
    who: str
    text: str


@dataclass(slots=True)
class Money:
    """What the ledger's accounts hold at the end, in thousandths of a credit, and how they were reached."""

    per_minute: int = 0
    reserved: int = 0
    charged: int = 0
    metered: list[int] = field(default_factory=list)  # billable seconds, as they were told
    accounts: dict[str, int] = field(default_factory=dict)
    funded: int = 0
    settled: int = 0  # how often
    went_negative: bool = False


@dataclass(slots=True)
class Record:
    seed: int = 0
    persona: str = ""
    faults: tuple[str, ...] = ()
    story: list[Line] = field(default_factory=list)
    said: list[Sound] = field(default_factory=list)
    played: list[PlayedWord] = field(default_factory=list)
    agent_sound: list[Span] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)  # as the CRM took them, each once
    arrived: list[tuple[int, int]] = field(default_factory=list)  # (epoch, seq) as Redis got them
    asked: list[Asked] = field(default_factory=list)
    money: Money = field(default_factory=Money)
    answered_ms: float | None = None  # the carrier connected the call
    stream_ms: float | None = None  # its audio began
    timeline_ms: float = 0.0  # where the call's own timeline begins
    over_ms: float | None = None  # the carrier ended it, or its audio was lost
    carrier_over_ms: float | None = None  # the carrier ended it
    wound_up_ms: float | None = None  # we, or whoever we obey, ended it: nobody listens from here on
    run_ms: float = 0.0  # when the call's task returned
    aside: list[Span] = field(default_factory=list)  # a colleague had the word
    shared_word: bool = False  # two had it
    holds: list[Span] = field(default_factory=list)  # by order
    waits: list[Wait] = field(default_factory=list)
    music: list[Span] = field(default_factory=list)  # as the prospect heard it
    whispers: list[tuple[float, str]] = field(default_factory=list)  # when, and what
    is_machine: bool = False
    stt_failed: bool = False
    left_over: list[str] = field(default_factory=list)  # tasks and timers
    loop_faults: list[str] = field(default_factory=list)
    unfinished: bool = False  # the call's task never returned
    line_left_open: bool = False  # the carrier holds a call that nobody holds here
    journals_left: list[str] = field(default_factory=list)  # files, after the CRM has committed all

    def note(self, at_ms: float, who: str, text: str) -> None:
        self.story.append(Line(round(at_ms, 3), who, text))

    def trace(self) -> str:
        """Return a digest of all that happened: equal for equal seeds, on every machine."""
        digest = hashlib.sha256()
        for line in self.story:
            digest.update(f"{line.at_ms:.3f}|{line.who}|{line.text}\n".encode())
        for event in self.events:
            digest.update(msgspec.json.encode((event.epoch, event.seq, event.body)))
        return digest.hexdigest()[:16]

    @property
    def outcome(self) -> str:
        """How the call ended, in the product's words; empty for one that was not told of."""
        return next((event.body.outcome.value for event in self.events if isinstance(event.body, Finished)), "")

    def turns(self) -> list[TurnFinished]:
        return [event.body for event in self.events if isinstance(event.body, TurnFinished)]


def trace_of(traces: Iterable[str]) -> str:
    """Return the digest of many calls' digests, in their order."""
    return hashlib.sha256("\n".join(traces).encode()).hexdigest()[:16]
