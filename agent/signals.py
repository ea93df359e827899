"""What a conversation's one task reads from its queue. Sans-I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from events.call import Outcome, Speaker
from media.activity.detector import VoiceEnded, VoiceSignal


class Timer(Enum):
    OPENING = auto()
    SILENCE = auto()
    YIELD = auto()
    DOUBT = auto()
    UNDECIDED = auto()
    PARTING = auto()
    LAST_WORDS = auto()


@dataclass(frozen=True, slots=True)
class Expired:
    timer: Timer
    number: int  # a timer that was set again since is stale


@dataclass(frozen=True, slots=True)
class ProbableEnd:
    """The caller's turn is probably over: VoiceEnded follows in a moment, unless VoiceResumed does."""


@dataclass(frozen=True, slots=True)
class DeadAir:
    """Neither side has been heard for longer than any rule of turn-taking waits."""


@dataclass(frozen=True, slots=True)
class PlayedOut:
    turn: int


@dataclass(frozen=True, slots=True)
class ReplyMade:
    turn: int
    failed: str = ""


@dataclass(frozen=True, slots=True)
class MachineWaits:
    """A machine records now: we heard its beep, or the carrier says so."""

    by_carrier: bool = False


@dataclass(frozen=True, slots=True)
class TimeUp:
    """Funds or time end."""


@dataclass(frozen=True, slots=True)
class LineGone:
    """The prospect cannot hear us any more; `outcome` stands unless their last words decided something."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class SteppedAside:
    """A person has the word now, or the caller is on hold: the agent's voice has been stopped already."""


@dataclass(frozen=True, slots=True)
class SteppedBack:
    """The agent has the word again; `told`: what happened meanwhile, beside what was said."""

    told: str


@dataclass(frozen=True, slots=True)
class PersonSaid:
    """An utterance of a colleague's is over, whom the caller hears."""

    name: str
    text: str
    voice: VoiceEnded
    speaker: Speaker = Speaker.REP


@dataclass(frozen=True, slots=True)
class AskForPatience:
    """Nobody is there for the caller just now: tell them so, in a stock phrase, before they are put on hold."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Say that to the caller, for whom nobody is there yet. `said` is called with how long it lasts, in ms.

    0 when the voice failed.
    """

    text: str
    said: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Nobody takes the caller, and the agent, which is aside, takes a message; `greeting` is said before it asks."""

    greeting: str = ""


@dataclass(frozen=True, slots=True)
class CallerPressed:
    """A key of the caller's telephone."""

    key: str


ConversationSignal = (
    VoiceSignal
    | ProbableEnd
    | DeadAir
    | Expired
    | PlayedOut
    | ReplyMade
    | MachineWaits
    | TimeUp
    | LineGone
    | SteppedAside
    | SteppedBack
    | PersonSaid
    | AskForPatience
    | Announce
    | TakeMessage
    | CallerPressed
)


@dataclass(frozen=True, slots=True)
class Result:
    """How the conversation ended."""

    outcome: Outcome
    reason: str = ""
