"""What a waiting call and a page that attends say to each other, across nodes: entries of `seats:{node}`. Sans-I/O."""

from typing import Final
from uuid import UUID

import msgspec


class Offered(msgspec.Struct, frozen=True, tag="offered"):
    """To the page: a caller, to be taken or declined."""

    org_id: UUID
    user_id: UUID
    seat: UUID
    call_id: UUID
    number: int  # of this call's offers; with the call it names the offer
    node: str  # the call's
    lead_id: UUID
    caller: str  # the lead's name
    company: str
    queue: str  # its name
    ring_s: int
    waited_s: int


class Withdrawn(msgspec.Struct, frozen=True, tag="withdrawn"):
    """To the page: it rings no longer. `why`: telephony.queues.offering.Why."""

    org_id: UUID
    user_id: UUID
    seat: UUID
    call_id: UUID
    number: int
    why: str
    by: str = ""
    rests: bool = False  # nobody was there to answer: take them out until they say that they are back


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """To the call: somebody takes it, or declines."""

    call_id: UUID
    number: int
    org_id: UUID
    user_id: UUID
    seat: UUID
    node: str  # the page's
    role: str
    session_id: UUID | None
    accepts: bool


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """To the page: what came of taking it. Without a ticket it was too late."""

    org_id: UUID
    user_id: UUID
    seat: UUID
    call_id: UUID
    number: int
    ticket: str = ""
    address: str = ""


ToPage = Offered | Withdrawn | Settled
Letter = ToPage | Answered


class Unreadable(ValueError):
    """Bytes that are no letter."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Letter)


def write(letter: Letter) -> bytes:
    return _ENCODER.encode(letter)


def read(raw: bytes) -> Letter:
    """Raises Unreadable."""
    try:
        return _DECODER.decode(raw)  # type: ignore[no-any-return]  # a Letter
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None
