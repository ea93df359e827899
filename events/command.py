"""Commands from the CRM to one voice node, and their answers. Sans-I/O.

A command waits in the Redis Stream `wire.commands_key(node)`; its answer is the state machine's word, pushed
once on the list `wire.reply_key(command_id)`. A command read after `expires_at` is answered "late" and not
carried out.
"""

from typing import Final
from uuid import UUID

import msgspec

from events.plan import CallPlan, Prompt


class Dial(msgspec.Struct, frozen=True, tag="dial"):
    permit: str  # sealed, see events.permit
    plan: CallPlan


class HangUp(msgspec.Struct, frozen=True, tag="hang_up"):
    org_id: UUID
    call_id: UUID
    reason: str = "requested"


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Take no new calls; finish the live ones."""


class PromptFor(msgspec.Struct, frozen=True):
    call_id: UUID
    variables: dict[str, str]  # what the prompt's text names; they join those that the call has


class UsePrompt(msgspec.Struct, frozen=True, tag="use_prompt"):
    """Let live calls be told something else from their next turn on. The reply names those that are here."""

    org_id: UUID
    prompt: Prompt
    calls: tuple[PromptFor, ...]


class FundsFor(msgspec.Struct, frozen=True):
    call_id: UUID
    funded_s: int  # in all, from the answer on


class Fund(msgspec.Struct, frozen=True, tag="fund"):
    """Let live calls last as long as their credits do now. The reply names those that are here."""

    org_id: UUID
    calls: tuple[FundsFor, ...]


CommandBody = Dial | HangUp | Drain | UsePrompt | Fund


class Command(msgspec.Struct, frozen=True):
    id: UUID
    expires_at: float  # Unix seconds
    body: CommandBody
    version: int = 1


class Reply(msgspec.Struct, frozen=True):
    command_id: UUID
    accepted: bool
    state: str = ""  # the call's state after the command
    reason: str = ""  # one of the codes of docs/call-path.md when refused
    calls: tuple[UUID, ...] = ()  # of a command to several: those that took it


class Unreadable(ValueError):
    """Bytes that are not a command or reply of a version that we know."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_COMMANDS: Final = msgspec.msgpack.Decoder(Command)
_REPLIES: Final = msgspec.msgpack.Decoder(Reply)


def encode(message: Command | Reply) -> bytes:
    return _ENCODER.encode(message)


def decode_command(raw: bytes) -> Command:
    """Raises Unreadable."""
    try:
        return _COMMANDS.decode(raw)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None


def decode_reply(raw: bytes) -> Reply:
    """Raises Unreadable."""
    try:
        return _REPLIES.decode(raw)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None
