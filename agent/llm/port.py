"""What a language model is to whoever asks it: a conversation goes in, text and tool calls stream out.

Imports nothing else of ours: the CRM uses the same gateway.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class ModelUnavailable(Exception):
    """The model failed, at any point of an answer."""


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    EVENT = "event"  # something happened that nobody said; `text` is an EventName


class EventName(StrEnum):
    """Happenings that a conversation tells the model about, as the text of an EVENT message."""

    ANSWERED = "answered"  # picked up; who it is is not yet known: a greeting is due
    SILENCE = "silence"  # the caller was asked and said nothing
    NOT_UNDERSTOOD = "not_understood"  # the caller said something that could not be made out
    MESSAGE_BEEP = "message_beep"  # a machine waits for a message
    TIME_UP = "time_up"  # funds or time end: say goodbye


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str  # for ASSISTANT: what was heard, not what was meant
    cut_short: bool = False  # ASSISTANT only: the caller did not hear all of it


@dataclass(frozen=True, slots=True)
class Request:
    messages: tuple[Message, ...]
    instructions: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)  # {prospect_name}, {agent_name}, {org_name}…


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


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


Delta = Text | ToolCall | Usage


class Model(Protocol):
    def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream the answer to the last message; closing the generator cancels the request.

        Raises:
            ModelUnavailable: at any point.
        """
        ...
