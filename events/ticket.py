"""The ticket: the CRM's signed word that one person may come to one live call. Sans-I/O.

The CRM issues it for a person who is signed in; the voice node that holds the call takes it as the first message of
the person's socket (telephony/people), once across all nodes (`wire.ticket_key`). It never stands in an address,
which logs keep. To come back after that, a page uses what the node gave it, or asks for another ticket.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events import signed

LIFETIME_S: Final = 60  # to connect in; the socket may stay for as long as the call does
CHARS_MAX: Final = 4_096
_AUDIENCE: Final = "salesos.people"


class Seat(StrEnum):
    """What a person comes as: it bounds what they may do there."""

    REP = "rep"  # talks with the prospect
    SUPERVISOR = "supervisor"  # listens, whispers, and may step in


class Ticket(msgspec.Struct, frozen=True):
    id: UUID
    org_id: UUID
    call_id: UUID
    user_id: UUID
    name: str  # as the others in the call see it
    role: str  # in the organisation
    session_id: UUID | None  # that the person is signed in by
    seat: Seat
    issued_at: int  # Unix seconds
    expires_at: int


class BadTicket(ValueError):
    """Altered, expired, incomplete or not a ticket; the message says which, never its content."""


def seal(ticket: Ticket, key: str) -> str:
    """Return the ticket as a signed token."""
    return signed.seal(ticket, _AUDIENCE, ticket.expires_at, key)


def unseal(token: str, key: str, now_s: float) -> Ticket:
    """Return the ticket in `token`.

    Raises:
        BadTicket: too long; the signature, the audience, the time or a field is wrong.
    """
    if len(token) > CHARS_MAX:
        raise BadTicket("ticket refused: too long")
    try:
        ticket = signed.unseal(token, Ticket, _AUDIENCE, key)
    except signed.BadSigned as error:
        raise BadTicket(f"ticket refused: {error}") from None
    if now_s >= ticket.expires_at:
        raise BadTicket("ticket refused: expired")
    return ticket
