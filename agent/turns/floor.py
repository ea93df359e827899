"""Who has the floor, and what moves it. Sans-I/O: an enum, a table and one function.

The agent stops its voice the moment the caller makes one (SUSPENDED), and only then finds out whether it was an
interruption: a word of assent, a cough or line noise gives the floor back, and the agent resumes at the word where
it was cut.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Floor(Enum):
    OPENING = auto()  # picked up, nobody has spoken yet
    LISTENING = auto()  # the caller is expected to speak
    CALLER = auto()  # the caller speaks
    THINKING = auto()  # an answer is being made; nothing of it is heard yet
    SPEAKING = auto()  # the agent is heard
    SUSPENDED = auto()  # the agent stopped because the caller made a sound; undecided
    PARTING = auto()  # the agent said goodbye; the caller may say so too
    LAST_WORDS = auto()  # the caller does
    ASIDE = auto()  # a person has the word, or the caller is on hold: the agent listens, and answers nothing
    OVER = auto()


class Signal(Enum):
    VOICE = auto()  # the caller's voice began
    REPLY = auto()  # an answer is to be made
    HEARD = auto()  # the first of it is on the line
    INTERRUPTED = auto()  # what the caller says is more than assent
    RESUMED = auto()  # it was not
    PLAYED_OUT = auto()
    PARTED = auto()  # played out, and it was a goodbye
    HUSHED = auto()  # the caller's utterance came to nothing
    STEP_ASIDE = auto()  # a person takes the word
    END = auto()


MOVES: Final[Mapping[tuple[Floor, Signal], Floor]] = {
    (Floor.OPENING, Signal.VOICE): Floor.CALLER,
    (Floor.OPENING, Signal.REPLY): Floor.THINKING,
    (Floor.LISTENING, Signal.VOICE): Floor.CALLER,
    (Floor.LISTENING, Signal.REPLY): Floor.THINKING,
    (Floor.CALLER, Signal.REPLY): Floor.THINKING,
    (Floor.CALLER, Signal.HUSHED): Floor.LISTENING,
    # An answer had begun, unheard, before it was known what was said.
    (Floor.THINKING, Signal.HUSHED): Floor.LISTENING,
    # The caller goes on before the answer is heard: it is thrown away, and both parts get one answer.
    (Floor.THINKING, Signal.VOICE): Floor.CALLER,
    (Floor.THINKING, Signal.HEARD): Floor.SPEAKING,
    # An answer without words: nothing to say is said.
    (Floor.THINKING, Signal.PLAYED_OUT): Floor.LISTENING,
    (Floor.THINKING, Signal.PARTED): Floor.PARTING,
    (Floor.SPEAKING, Signal.VOICE): Floor.SUSPENDED,
    (Floor.SPEAKING, Signal.PLAYED_OUT): Floor.LISTENING,
    (Floor.SPEAKING, Signal.PARTED): Floor.PARTING,
    # A new answer takes over while the former is heard: the machine's beep, the end of funds.
    (Floor.SPEAKING, Signal.REPLY): Floor.THINKING,
    (Floor.SUSPENDED, Signal.REPLY): Floor.THINKING,
    (Floor.SUSPENDED, Signal.INTERRUPTED): Floor.CALLER,
    (Floor.SUSPENDED, Signal.RESUMED): Floor.SPEAKING,
    (Floor.THINKING, Signal.REPLY): Floor.THINKING,
    (Floor.PARTING, Signal.VOICE): Floor.LAST_WORDS,
    # The word is given back, in the middle of what the caller says or between two utterances.
    (Floor.ASIDE, Signal.VOICE): Floor.CALLER,
    (Floor.ASIDE, Signal.REPLY): Floor.THINKING,
    **{(floor, Signal.STEP_ASIDE): Floor.ASIDE for floor in Floor if floor is not Floor.OVER},
    **{(floor, Signal.END): Floor.OVER for floor in Floor},
}


class IllegalMove(Exception):
    """A signal that cannot come now: ours is a bug, a peer's is late."""


def move(floor: Floor, signal: Signal) -> Floor:
    """Return the next floor. Raises IllegalMove and changes nothing otherwise."""
    try:
        return MOVES[floor, signal]
    except KeyError:
        raise IllegalMove(f"{signal.name} while {floor.name}") from None
