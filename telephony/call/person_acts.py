"""What a person does to a call, and whether they may: who has the word, and the prospect's hold. Sans-I/O.

One person at most has the word in the agent's place. Who asks first gets it; the next one is told who has it. All acts
of all people come through the call's one queue, so "first" means something.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from events.ticket import Seat
from media.party import Outlet, Party, Role
from telephony.call.leg_acts import Cancel, Complete, Confer, Consult, LegAct, Swap, Transfer

WHISPER_CHARS_MAX: Final = 1_000
AGREED_CHARS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class Person:
    id: str  # their seat in this call: the same for a page that was loaded again
    name: str
    user_id: UUID
    seat: Seat


def seat_id(seat: Seat, user_id: UUID) -> str:
    """Return a person's id in any call, before they have come too."""
    return f"{seat}:{user_id}"


# Acts


@dataclass(frozen=True, slots=True)
class Join:
    """Be in the call. `outlet`: where the person hears it; None for who follows it by a socket, and is never heard.

    Somebody who was lost, and whoever comes again from another tab, goes on in the role they had.
    """

    outlet: Outlet | None = None
    role: Role = Role.LISTENER


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Listen, whisper, barge in or talk beside the agent. REP_ALONE is TakeOver's."""

    role: Role


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Talk in the agent's place."""


@dataclass(frozen=True, slots=True)
class HandBack:
    agreed: str = ""  # what the agent has to know, beside what was said


@dataclass(frozen=True, slots=True)
class Hold:
    held: bool


@dataclass(frozen=True, slots=True)
class Whisper:
    """Tell the agent something for its next turn, which nobody hears."""

    text: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Their connection went: they are waited for. `outlet`: the one that went, so that a newer one stays."""

    outlet: Outlet | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    pass


Act = Join | ChangeRole | TakeOver | HandBack | Hold | Whisper | Lost | Leave | LegAct


# Answers


class Word(StrEnum):
    """Who has the word in a call: the state machine's word that every act is answered with."""

    AGENT = "agent"
    PERSON = "person"
    HELD = "held"  # the prospect hears music


@dataclass(frozen=True, slots=True)
class Done:
    word: Word
    party: Party | None = None  # of Join with an outlet: where the person's audio goes


@dataclass(frozen=True, slots=True)
class Refused:
    code: str
    sentence: str  # for the person: what is in the way, and what to do


Answer = Done | Refused


@dataclass(frozen=True, slots=True)
class PersonActs:
    """A signal for the call's queue. `answer` is called on the loop; never when the queue was full."""

    person: Person
    act: Act
    answer: Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class PersonMissed:
    """Somebody whose connection was lost is not back yet; `step` is the next thing that follows from it."""

    person_id: str
    number: int  # of the loss: one who came back and was lost again has another
    step: int


# Who has the word


@dataclass(frozen=True, slots=True)
class Standing:
    holder: str = ""  # the person who has the word; empty: the agent
    holder_name: str = ""
    away: bool = False  # the holder's connection is lost
    held: bool = False  # by order
    waiting: bool = False  # the prospect hears music because the holder is away

    @property
    def music(self) -> bool:
        return self.held or self.waiting

    @property
    def word(self) -> Word:
        if self.music:
            return Word.HELD
        return Word.PERSON if self.holder else Word.AGENT

    @property
    def agent_aside(self) -> bool:
        return bool(self.holder) or self.held


NOT_CONNECTED: Final = Refused("not_connected", "The prospect is not on the line: not yet, or not any more.")
NOT_IN_CALL: Final = Refused("not_in_call", "You are not in this call: join it first.")


def decide(standing: Standing, person: Person, act: Act, role: Role | None) -> Standing | Refused:
    """Return how things stand after an act of somebody's who is in the call, or why it is not done.

    Args:
        role: theirs; None when they have no audio in this call.
    """
    has_it = standing.holder == person.id
    others = bool(standing.holder) and not has_it and not standing.away
    match act:
        case TakeOver() if others:
            return Refused("taken", f"{standing.holder_name} has taken this call over already.")
        case TakeOver() if role is None:
            return Refused("no_audio", "Connect your microphone first: without it the prospect would hear nobody.")
        case TakeOver():
            return Standing(person.id, person.name)
        case HandBack() if not has_it:
            return Refused("not_yours", "You do not have this call: only who has taken it over can hand it back.")
        case Transfer() | Consult() | Swap() | Confer() | Complete() | Cancel() if not has_it:
            return Refused("not_yours", "You do not have this call: take it over first.")
        case Consult() if role is None:
            return Refused("no_audio", "Connect your microphone first: without it they would hear nobody.")
        case HandBack(agreed=agreed) if len(agreed) > AGREED_CHARS_MAX:
            return Refused("too_long", f"Tell the agent at most {AGREED_CHARS_MAX} characters.")
        case HandBack():
            return Standing()
        case Hold() if others:
            return Refused("not_yours", f"{standing.holder_name} talks with the prospect: only they can do this.")
        case Hold(held=held):
            return replace(standing, held=held)
        case ChangeRole() if has_it:
            return Refused("hand_back_first", "You have this call: hand it back to the agent first.")
        case ChangeRole(role=Role.REP_ALONE):
            return Refused("use_take_over", "Take the call over instead: the agent has to fall silent.")
        case ChangeRole(role=Role.WHISPERER | Role.BARGER) if person.seat is not Seat.SUPERVISOR:
            return Refused("supervisors_only", "Only supervisors whisper and barge in.")
        case ChangeRole(role=asked) if role is None and asked is not Role.LISTENER:
            return Refused("no_audio", "Connect your microphone first.")
        case Whisper() if person.seat is not Seat.SUPERVISOR:
            return Refused("supervisors_only", "Only supervisors instruct the agent.")
        case Whisper(text=text) if not text.strip() or len(text) > WHISPER_CHARS_MAX:
            return Refused("bad_text", f"Write something, and at most {WHISPER_CHARS_MAX} characters.")
        case Leave() if has_it:
            return Standing()
        case Lost() if has_it:
            return replace(standing, away=True)
        case Join(outlet=None) if has_it:
            return standing  # as long as they have no audio the prospect hears nobody
        case Join() if has_it:
            return replace(standing, away=False, waiting=False)
        case _:
            return standing
