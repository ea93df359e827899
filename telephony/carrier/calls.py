"""A call as the carrier keeps it: what was asked for, its lifecycle, its JSON. Sans-I/O."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Final

from telephony.carrier.amd import AmdRules
from telephony.carrier.errors import NOT_IN_PROGRESS, Refused
from telephony.carrier.line import Line

API_VERSION: Final = "2010-04-01"
NOTES_MAX: Final = 200


class Status(StrEnum):
    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


OVER: Final = frozenset({Status.COMPLETED, Status.BUSY, Status.FAILED, Status.NO_ANSWER, Status.CANCELED})
MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    # One that comes in rings when the customer first hears of it.
    Status.QUEUED: frozenset({Status.INITIATED, Status.RINGING, Status.FAILED, Status.CANCELED}),
    Status.INITIATED: frozenset({Status.RINGING, Status.BUSY, Status.FAILED, Status.NO_ANSWER, Status.CANCELED}),
    Status.RINGING: frozenset({Status.IN_PROGRESS, Status.BUSY, Status.FAILED, Status.NO_ANSWER, Status.CANCELED}),
    Status.IN_PROGRESS: frozenset({Status.COMPLETED, Status.FAILED}),
    **dict.fromkeys(OVER, frozenset[Status]()),
}
SIP_CODES: Final[Mapping[Status, int]] = {
    Status.COMPLETED: 200,
    Status.BUSY: 486,
    Status.FAILED: 404,
    Status.NO_ANSWER: 480,
    Status.CANCELED: 487,
}


class Event(StrEnum):
    """What a status callback can be asked for."""

    INITIATED = "initiated"
    RINGING = "ringing"
    ANSWERED = "answered"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Inline:
    """TwiML given with the request."""

    document: str


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    method: str = "POST"


Source = Inline | Address


@dataclass(frozen=True, slots=True)
class Order:
    """What the customer asked for."""

    to: str
    from_: str
    source: Source
    status_callback: str = ""
    status_callback_method: str = "POST"
    events: frozenset[Event] = frozenset({Event.COMPLETED})
    timeout_s: int = 60
    time_limit_s: int = 4 * 3600
    send_digits: str = ""
    amd: AmdRules | None = None
    async_amd: bool = False
    amd_callback: str = ""
    amd_callback_method: str = "POST"
    incoming: bool = False  # somebody rings the customer's number, which the customer has asked for nothing of
    gives_up_s: float = 60.0  # who rings hangs up when nobody has answered for so long

    @property
    def direction(self) -> str:
        return "inbound" if self.incoming else "outbound-api"

    @property
    def theirs(self) -> str:
        """The number that is not the customer's."""
        return self.from_ if self.incoming else self.to


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the vendor's debugger would show."""

    code: int
    text: str
    at: datetime


@dataclass(slots=True)
class Call:
    sid: str
    account_sid: str
    order: Order
    created_at: datetime
    updated_at: datetime
    persona: str = ""
    status: Status = Status.QUEUED
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""  # callee, api, script, time_limit, network
    answered_by: str | None = None
    sequence: int = 0  # of the next status callback
    notes: list[Note] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    dialed: list[str] = field(default_factory=list)  # numbers that its script rang at
    bridged_to: str = ""  # the one that picked up
    stream_started_at: datetime | None = None
    line: Line | None = None

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def move(self, status: Status, now: datetime) -> None:
        """Go on to `status`.

        Raises:
            Refused: the lifecycle has no such way (21220).
        """
        if status not in MOVES[self.status]:
            raise Refused(NOT_IN_PROGRESS)
        self.status = status
        self.updated_at = now
        if status is Status.IN_PROGRESS:
            self.answered_at = now
        if status in OVER:
            self.ended_at = now

    def note(self, code: int, text: str) -> None:
        """Remember a warning; the first ones of a call are kept."""
        if len(self.notes) < NOTES_MAX:
            self.notes.append(Note(code, text, datetime.now(UTC)))

    @property
    def duration_s(self) -> int:
        """Whole seconds from answer to end, rounded up as they are billed."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(1, math.ceil((self.ended_at - self.answered_at).total_seconds()))


def new_sid(prefix: str) -> str:
    """Return an id such as CA… with 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def form_of(call: Call, status: str | None = None) -> list[tuple[str, str]]:
    """Return the fields that every request about a call carries."""
    return [
        ("CallSid", call.sid),
        ("AccountSid", call.account_sid),
        ("From", call.order.from_),
        ("To", call.order.to),
        ("Caller", call.order.from_),
        ("Called", call.order.to),
        ("CallStatus", status or call.status),
        ("Direction", call.order.direction),
        ("ApiVersion", API_VERSION),
    ]


def as_json(call: Call) -> dict[str, Any]:
    """Return the call as the REST API shows it."""
    uri = f"/{API_VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "date_created": format_datetime(call.created_at),
        "date_updated": format_datetime(call.updated_at),
        "parent_call_sid": None,
        "account_sid": call.account_sid,
        "to": call.order.to,
        "to_formatted": call.order.to,
        "from": call.order.from_,
        "from_formatted": call.order.from_,
        "phone_number_sid": None,
        "status": call.status,
        "start_time": format_datetime(call.created_at) if call.status is not Status.QUEUED else None,
        "end_time": format_datetime(call.ended_at) if call.ended_at else None,
        "duration": str(call.duration_s) if call.is_over else None,
        "price": None,
        "price_unit": "USD",
        "direction": call.order.direction,
        "answered_by": call.answered_by,
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {
            name: f"{uri}/{path}.json"
            for name, path in (
                ("events", "Events"),
                ("notifications", "Notifications"),
                ("recordings", "Recordings"),
                ("streams", "Streams"),
            )
        },
    }
