"""What a chat provider's server shall answer, and how it shall fail. Sans-I/O; knows no vendor's wire format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """How an answer that has begun goes wrong."""

    STALL = "stall"  # nothing more comes, and the socket stays open
    CUT = "cut"  # the socket is reset in the middle of the body
    TRUNCATED = "truncated"  # the body ends as HTTP wants it, but without the events that end an answer
    GARBAGE = "garbage"  # an event that is no JSON
    ERROR_EVENT = "error_event"  # the vendor's own error event, after the status said 200


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"  # the token limit
    FILTERED = "filtered"  # the vendor's content rules


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as the model makes it; `arguments` as text goes out as it is, JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class Answer:
    pieces: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    first_token_s: float = 0.0  # from the request's last byte to the first piece
    gap_s: float = 0.0  # between pieces
    fault: Fault | None = None
    fault_after: int = 0  # pieces that come before the fault
    finish: Finish = Finish.STOP
    prompt_tokens: int = 20
    completion_tokens: int = 7


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with an error's status, in the vendor's form."""

    status: int
    delay_s: float = 0.0
    retry_after_s: int | None = None
    body: bytes | None = None  # instead of the vendor's form


@dataclass(slots=True)
class Seen:
    """A request as the server saw it, and what became of it."""

    method: str
    path: str
    key: str
    body: Mapping[str, Any]
    connection: int  # counted from 1: requests with the same number came over one socket
    pieces_sent: int = 0
    whole: bool = False  # the answer went out to its end
    left: bool = False  # the client closed the socket before that


Reaction = Answer | Refusal
Script = Callable[[Seen], Reaction]


@dataclass(slots=True)
class InTurn:
    """A script that gives its reactions one after another, the last one for ever."""

    reactions: Sequence[Reaction]
    _given: int = field(default=0)

    def __call__(self, _seen: Seen) -> Reaction:
        reaction = self.reactions[min(self._given, len(self.reactions) - 1)]
        self._given += 1
        return reaction
