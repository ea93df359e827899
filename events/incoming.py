"""A call that comes in, between the voice node that the carrier asks and the CRM that decides. Sans-I/O.

Nothing is dialled, so no permit goes with it: the CRM's answer to the node's question is the decision.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events.plan import CallPlan

# CRM routes for voice nodes; both sides send and check `Authorization: Bearer <internal key>`.
INCOMING_PATH: Final = "/internal/calls/incoming"  # POST IncomingQuestion → IncomingAnswer
GIVEN_UP_PATH: Final = "/internal/calls/given_up"  # POST GivenUp → 204
DEFAULT_LANGUAGE: Final = "en-US"  # where nobody knows better


class NotTaken(StrEnum):
    """Why a call is not taken. The caller hears a sentence for it."""

    NUMBER_UNKNOWN = "number_unknown"  # nobody of ours has it
    NUMBER_OFF = "number_off"
    NO_CREDIT = "no_credit"
    TOO_MANY_CALLS = "too_many_calls"
    NO_AGENT = "no_agent"  # none is active, or what it needs is not there
    CALL_OVER = "call_over"  # asked again about a call that has ended
    CRM_AWAY = "crm_away"
    NO_ROOM = "no_room"  # on this node
    SPEECH_AWAY = "speech_away"


class IncomingQuestion(msgspec.Struct, frozen=True):
    """Asked again under the same `carrier_call_id` it is the same call."""

    node: str
    carrier: str
    carrier_call_id: str
    to_number: str
    from_number: str  # as the carrier says it: E.164, empty, or a word for a number that was withheld


class IncomingAnswer(msgspec.Struct, frozen=True):
    """`plan` for a call that is to be taken; `node` for one that a node holds already; else `refused`."""

    call_id: UUID | None = None
    plan: CallPlan | None = None
    funded_s: int = 0  # seconds that the reserved credits pay for
    node: str = ""
    refused: str = ""  # NotTaken, or one of a later release
    language: str = DEFAULT_LANGUAGE  # in which the caller is told


class GivenUp(msgspec.Struct, frozen=True):
    """A call that was to be taken, and that this node cannot take after all: what is reserved goes back."""

    org_id: UUID
    call_id: UUID
    reason: str
