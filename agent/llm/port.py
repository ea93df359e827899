"""What a language model is to whoever asks it: a conversation goes in, text and tool calls stream out.

Imports nothing else of ours: the CRM uses the same gateway.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Failure(StrEnum):
    """Why a model failed: what the gateway, a call's record and an operator need to tell apart."""

    REFUSED_KEY = "refused_key"  # 401, 403: nothing helps but another key
    RATE_LIMITED = "rate_limited"  # 429: this key has to wait
    REFUSED_REQUEST = "refused_request"  # any other 4xx: an unknown model, a parameter it does not take
    UNAVAILABLE = "unavailable"  # 5xx, overloaded, no connection
    TIMEOUT = "timeout"  # too slow with its first token, or with the next one
    CUT = "cut"  # the answer broke off
    GARBAGE = "garbage"  # what came is not what its interface promises
    EMPTY = "empty"  # an answer without text or tool call
    SWITCHED_OFF = "switched_off"  # the operator's switch
    EXHAUSTED = "exhausted"  # every provider that could be asked failed


class ModelUnavailable(Exception):
    """The model failed, at any point of an answer. The message names the vendor and the kind, never what was said."""

    def __init__(
        self, message: str = "", failure: Failure = Failure.UNAVAILABLE, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message or failure.value)
        self.failure = failure
        self.retry_after_s = retry_after_s  # when the vendor said how long to wait


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    EVENT = "event"  # something happened that nobody said; `text` is an EventName
    TOOL = "tool"  # what a tool came to; `text` is for the model alone
    NOTE = "note"  # what the model has to know or to heed, and nobody on the line said to it


class EventName(StrEnum):
    """Happenings that a conversation tells the model about, as the text of an EVENT message."""

    ANSWERED = "answered"  # picked up; who it is is not yet known: a greeting is due
    SILENCE = "silence"  # the caller was asked and said nothing
    SILENCE_OFFER = "silence_offer"  # and again: offer to call another time
    SILENCE_END = "silence_end"  # and again: say goodbye, the call ends with that
    NOT_UNDERSTOOD = "not_understood"  # the caller said something that could not be made out
    SCREENING = "screening"  # a call screener asks who calls, for somebody who then decides
    MENU = "menu"  # a machine offers keys to press
    MESSAGE_BEEP = "message_beep"  # a machine waits for a message
    TIME_UP = "time_up"  # funds or time end: say goodbye
    HANDED_BACK = "handed_back"  # a person had the word, or the caller was on hold; the note before it tells of it


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str  # for ASSISTANT: what was heard, not what was meant
    cut_short: bool = False  # ASSISTANT only: the caller did not hear all of it
    # ASSISTANT only: what was asked for behind these words. The TOOL messages with the results follow at once.
    calls: tuple["ToolCall", ...] = ()
    call_id: str = ""  # TOOL only: the `id` of the call in `calls` of the message before


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that the model may ask for; `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    messages: tuple[Message, ...]
    instructions: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)  # {prospect_name}, {agent_name}, {org_name}…
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None  # None: the vendor's default
    max_tokens: int = 1000  # of the answer
    # What another model had said, and asked for, of this very answer before it failed: go on behind it.
    said: str = ""
    called: tuple["ToolCall", ...] = ()
    must_call: str = ""  # one of `tools`: the answer is that call and nothing else, its arguments in the tool's schema


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer. Pieces join without separators; sentences end with . ? or ! and a blank."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants something done. Names the first form knows: `note_fact` {kind, text, when}, where kind is
    a value of events.call.FactKind, and `end_call` {outcome}, a value of events.call.Outcome, carried out when
    what was said before it has been heard."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    signature: bytes = b""  # a vendor's own note about it, given back with the result; nothing to anybody else


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of this answer so far, by the vendor's own count; a later one replaces it."""

    prompt_tokens: int
    completion_tokens: int


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"  # cut off by `max_tokens`
    FILTERED = "filtered"  # cut off by the vendor's content rules


@dataclass(frozen=True, slots=True)
class Finish:
    """Why the answer ended; the last delta of a model that says so."""

    reason: FinishReason


@dataclass(frozen=True, slots=True)
class Late:
    """Nothing has come for long, and whoever waits may be told so; at most once an answer. Text may have come before
    it: half a sentence from a provider that stalled, which nobody has heard yet."""


Delta = Text | ToolCall | Usage | Finish | Late


class Model(Protocol):
    def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream the answer to the last message; closing the generator cancels the request.

        Raises:
            ModelUnavailable: at any point.
        """
        ...


class Ahead(Protocol):
    """A model that can begin an answer before its question is known for certain."""

    def suppose(self, request: Request) -> None:
        """Begin to answer what will probably be asked; `reply` goes on with it if it is asked."""
        ...

    def forget(self) -> None:
        """It will not be asked."""
        ...
