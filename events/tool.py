"""The tools that an agent may have in a call, by name, and what each is asked for. Sans-I/O.

Names and arguments are a contract between what agents are allowed (the CRM), what models are offered (voice) and the
CRM's routes for those that need it. What each does is told to models in `agent.tools.catalog`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from events.call import FactKind

PATH_PREFIX: Final = "/internal/tools/"  # + the tool's name: POST ToolQuestion → ToolAnswer
LINE_CHARS_MAX: Final = 300
TEXT_CHARS_MAX: Final = 1_000
KEYS_MAX: Final = 32
# The `tool_call_id` under which a node asks for `transfer_call` by itself: the operator has stopped the models. No
# model's call has it, and whatever tools the agent was given, it is allowed.
HAND_OVER: Final = "hand_over"

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=LINE_CHARS_MAX)]
LongText = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARS_MAX)]


class ToolName(StrEnum):
    NOTE_FACT = "note_fact"
    END_CALL = "end_call"
    LOOK_UP_LEAD = "look_up_lead"
    UPDATE_LEAD = "update_lead"
    FIND_SLOTS = "find_slots"
    BOOK_SLOT = "book_slot"
    SCHEDULE_CALLBACK = "schedule_callback"
    SEND_MESSAGE = "send_message"
    MARK_DO_NOT_CALL = "mark_do_not_call"
    TRANSFER_CALL = "transfer_call"
    PRESS_KEYS = "press_keys"


class _Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tool is asked for."""


class NoteFact(_Arguments, frozen=True):
    kind: FactKind
    text: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)] = ""
    when: Annotated[str, msgspec.Meta(max_length=LINE_CHARS_MAX)] = ""


class EndCall(_Arguments, frozen=True):
    # What a conversation itself can come to; the rest is for the line, the node or the bill to say.
    outcome: Literal[
        "goal_reached",
        "callback_requested",
        "not_interested",
        "opted_out",
        "no_response",
        "message_left",
        "time_limit",
        "hung_up",
    ] = "hung_up"


class LookUpLead(_Arguments, frozen=True):
    """Of the lead that the call is with; there is no other to be had."""


class UpdateLead(_Arguments, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    # One @, something before it, a dot in the domain, no blanks.
    email: Annotated[str, msgspec.Meta(max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$")] | None = None
    company: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    note: LongText | None = None


class FindSlots(_Arguments, frozen=True):
    day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None  # none: the next ones


class BookSlot(_Arguments, frozen=True):
    starts_at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$")]  # the prospect's local time
    title: Line | None = None


class ScheduleCallback(_Arguments, frozen=True):
    when: Line  # as the person said it
    at: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$")] | None = None  # their local time


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


class SendMessage(_Arguments, frozen=True):
    channel: Channel
    text: LongText
    to: Line | None = None  # none: the address that the lead has


class MarkDoNotCall(_Arguments, frozen=True):
    pass


class TransferCall(_Arguments, frozen=True):
    reason: Line


class PressKeys(_Arguments, frozen=True):
    # w is a pause of half a second, as carriers have it.
    keys: Annotated[str, msgspec.Meta(min_length=1, max_length=KEYS_MAX, pattern=r"^[0-9A-D#*w]+$")]


ARGUMENTS: Final[dict[ToolName, type[_Arguments]]] = {
    ToolName.NOTE_FACT: NoteFact,
    ToolName.END_CALL: EndCall,
    ToolName.LOOK_UP_LEAD: LookUpLead,
    ToolName.UPDATE_LEAD: UpdateLead,
    ToolName.FIND_SLOTS: FindSlots,
    ToolName.BOOK_SLOT: BookSlot,
    ToolName.SCHEDULE_CALLBACK: ScheduleCallback,
    ToolName.SEND_MESSAGE: SendMessage,
    ToolName.MARK_DO_NOT_CALL: MarkDoNotCall,
    ToolName.TRANSFER_CALL: TransferCall,
    ToolName.PRESS_KEYS: PressKeys,
}
# Those whose data or decision is the CRM's.
NEED_CRM: Final = frozenset(
    {
        ToolName.LOOK_UP_LEAD,
        ToolName.UPDATE_LEAD,
        ToolName.FIND_SLOTS,
        ToolName.BOOK_SLOT,
        ToolName.TRANSFER_CALL,
    }
)


class ToolQuestion(msgspec.Struct, frozen=True):
    """`call_id` and `tool_call_id` together are the key under which it is done once."""

    org_id: UUID
    call_id: UUID
    tool_call_id: str
    arguments: dict[str, Any]


class ToolAnswer(msgspec.Struct, frozen=True):
    """What a tool came to. `refused`: a rule said no, and `result` says why, in words for the model."""

    result: dict[str, Any]
    refused: bool = False
    permit: str = ""  # for the node alone: to put the prospect through, sealed


class BadArguments(ValueError):
    """What a model asked for cannot be asked for; the message names the field."""


def read_arguments(name: ToolName, arguments: Any) -> _Arguments:
    """Return a tool's arguments as its type. Raises BadArguments."""
    try:
        return msgspec.convert(arguments, ARGUMENTS[name])
    except msgspec.ValidationError as error:
        raise BadArguments(str(error)) from None


def read_local_time(text: str) -> datetime:
    """Return such as 2026-11-24T10:00, without a zone. Raises BadArguments: no such day or time."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - whose zone it is, the caller knows
    except ValueError:
        raise BadArguments(f"{text} is no day and time") from None
