"""What a waiting call's queue of signals brings about its queue of people. Sans-I/O."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from telephony.queues.offering import SeatSeen
from telephony.queues.offers import Answered


@dataclass(frozen=True, slots=True)
class Looked:
    """How the members stand; `seats` None: Redis cannot say.

    `first`: no caller who came earlier is hungry. `position`: among all who wait, from 1.
    """

    seats: tuple[SeatSeen, ...] | None
    first: bool = False
    position: int = 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody's key is ours, or it was not to be had."""

    user_id: UUID
    ours: bool


@dataclass(frozen=True, slots=True)
class RepAnswered:
    letter: Answered


class Due(Enum):
    """What a timer of the queue's was for."""

    SAID = auto()  # what was announced has been heard
    PATIENCE = auto()


@dataclass(frozen=True, slots=True)
class QueueTimer:
    due: Due
    number: int  # of the announcement: a later one has another


QueueNews = Looked | Claimed | RepAnswered | QueueTimer


@dataclass(frozen=True, slots=True)
class QueueTold:
    """A signal for the call's queue."""

    news: QueueNews
