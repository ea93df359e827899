"""Who is there to take calls: what CRM and voice say to each other of it. Sans-I/O.

A person lets their page attend at any voice node, by a ticket of the CRM's; the node says in Redis that they are there
(`wire.seat_key`, SeatReport) for as long as the page is. Whatever they are occupied with, a call or one that rings,
stands in one further key (`wire.occupied_key`), which whoever sets it first holds: nobody is rung twice at once.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events import signed
from events.ticket import CHARS_MAX

_AUDIENCE: Final = "salesos.attendance"
_RINGING: Final = "ring"
_TALKING: Final = "call"


class AttendanceTicket(msgspec.Struct, frozen=True):
    """The CRM's signed word that somebody may take calls of an organisation. It is good for a minute and one use."""

    id: UUID
    org_id: UUID
    user_id: UUID
    name: str
    role: str  # in the organisation
    session_id: UUID | None  # that the person is signed in by
    expires_at: int  # Unix seconds


class BadAttendance(ValueError):
    """Altered, expired, incomplete or not such a ticket; the message says which, never its content."""


def seal(ticket: AttendanceTicket, key: str) -> str:
    """Return the ticket as a signed token."""
    return signed.seal(ticket, _AUDIENCE, ticket.expires_at, key)


def unseal(token: str, key: str, now_s: float) -> AttendanceTicket:
    """Return the ticket in `token`.

    Raises:
        BadAttendance: too long; the signature, the audience, the time or a field is wrong.
    """
    if len(token) > CHARS_MAX:
        raise BadAttendance("ticket refused: too long")
    try:
        ticket = signed.unseal(token, AttendanceTicket, _AUDIENCE, key)
    except signed.BadSigned as error:
        raise BadAttendance(f"ticket refused: {error}") from None
    if now_s >= ticket.expires_at:
        raise BadAttendance("ticket refused: expired")
    return ticket


class SeatReport(msgspec.Struct, frozen=True):
    """What a node says of a page that attends there; it says so again every second or two."""

    user_id: UUID
    name: str
    node: str
    seat: UUID  # this page: another one of the same person's has another
    ready: bool
    since: float  # Unix seconds: when it began to be ready, or not to be


class Availability(StrEnum):
    READY = "ready"
    RINGING = "ringing"
    BUSY = "busy"  # in a call
    NOT_READY = "not_ready"  # their page is open, and switched off
    AWAY = "away"


def ringing(call_id: UUID) -> bytes:
    """Return what the occupied key holds while a call rings somebody."""
    return f"{_RINGING}:{call_id}".encode()


def talking(call_id: UUID) -> bytes:
    """Return what it holds while they are in a call."""
    return f"{_TALKING}:{call_id}".encode()


def availability(report: SeatReport | None, occupied: bytes | None) -> Availability:
    """Return how somebody stands. Who is in a call is busy wherever their page is."""
    if occupied is not None and occupied.startswith(_TALKING.encode()):
        return Availability.BUSY
    if report is None:
        return Availability.AWAY
    if occupied is not None:
        return Availability.RINGING
    return Availability.READY if report.ready else Availability.NOT_READY


_ENCODER: Final = msgspec.msgpack.Encoder()
_REPORTS: Final = msgspec.msgpack.Decoder(SeatReport)


def write(report: SeatReport) -> bytes:
    return _ENCODER.encode(report)


def read(raw: bytes | None) -> SeatReport | None:
    """Return a report as Redis has it; None for none, and for what is none."""
    if raw is None:
        return None
    try:
        return _REPORTS.decode(raw)
    except msgspec.MsgspecError:
        return None
