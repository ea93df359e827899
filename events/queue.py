"""A queue as a call plan carries it: who is asked to take a caller, in which way, how long, and what then. Sans-I/O.

A number that leads to one person is a queue of one member, without an id.
"""

from enum import StrEnum
from uuid import UUID

import msgspec


class Strategy(StrEnum):
    RING_ALL = "ring_all"  # everybody who is ready, at once
    LONGEST_IDLE = "longest_idle"  # one after another, whoever has been without a call for longest first


class Then(StrEnum):
    """What becomes of a caller whom nobody has taken in time."""

    AGENT = "agent"
    VOICEMAIL = "voicemail"
    HANG_UP = "hang_up"  # with a sentence


class Member(msgspec.Struct, frozen=True):
    user_id: UUID
    name: str


class QueuePlan(msgspec.Struct, frozen=True):
    """Texts that are empty are the agent's stock phrases in its language; they may name {position}."""

    name: str
    members: tuple[Member, ...]
    id: UUID | None = None  # None: the way to one person
    strategy: Strategy = Strategy.RING_ALL
    ring_s: int = 20  # how long one member is rung
    wait_s: int = 180  # how long the caller waits in all
    then: Then = Then.AGENT
    greeting: str = ""  # once, when the caller comes
    patience: str = ""  # every patience_every_s
    goodbye: str = ""  # before HANG_UP
    patience_every_s: int = 30


# Events of calls (events.call has them in its Body)


class QueueEntered(msgspec.Struct, frozen=True, tag="queue.entered"):
    """The caller waits for people now."""

    queue: UUID | None
    name: str


class RepRung(msgspec.Struct, frozen=True, tag="queue.rung"):
    """The caller is offered to somebody."""

    user_id: UUID
    name: str
    number: int  # of this call's offers


class RingOver(msgspec.Struct, frozen=True, tag="queue.ring_over"):
    user_id: UUID
    name: str
    number: int
    reason: str  # taken, declined, missed, page_gone, caller_gone, not_queued; accepted


class QueueLeft(msgspec.Struct, frozen=True, tag="queue.left"):
    """The caller waits no longer."""

    reason: str  # answered, abandoned (hung up), nobody_came, taken_over (by somebody who was not rung), agent
    waited_s: float
    user_id: UUID | None = None  # who answered
    name: str = ""
