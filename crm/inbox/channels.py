"""What a message may be, and which ways lead to a person. Sans-I/O."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crm.consents.model import Channel as Reached


class Channel(StrEnum):
    CALL = "call"
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    CHAT = "chat"


class Status(StrEnum):
    """Of a conversation."""

    ACTIVE = "active"
    CLOSED = "closed"


class Role(StrEnum):
    USER = "user"  # the lead
    ASSISTANT = "assistant"  # us, whether a person or an agent wrote it
    SYSTEM = "system"  # a remark among ourselves


class Direction(StrEnum):
    IN = "in"
    OUT = "out"
    INTERNAL = "internal"  # goes to nobody


class Progress(StrEnum):
    """Of a message."""

    QUEUED = "queued"
    SENT = "sent"  # its carrier has taken it
    DELIVERED = "delivered"  # it is where it was to go; of mail nobody says so
    FAILED = "failed"


class Delivery(StrEnum):
    """How a message gets to where it is to go."""

    MAIL = "mail"
    NO_CHANNEL = "no_channel"  # nothing here carries it yet: it stays queued
    NONE = "none"  # it goes nowhere: it came in, or is a remark


class Fault(StrEnum):
    """Why a message failed; empty of one that did not."""

    ADDRESS_INVALID = "address_invalid"
    ADDRESS_REFUSED = "address_refused"  # by the mail server, for good
    CONSENT_REFUSED = "consent_refused"  # whoever it was for has refused meanwhile
    ERASED = "erased"  # with the words of the call in which it was promised
    MAIL_UNAVAILABLE = "mail_unavailable"  # for as long as it was tried
    NO_MAIL_SERVER = "no_mail_server"


DIRECTIONS: Final[Mapping[Role, Direction]] = {
    Role.USER: Direction.IN,
    Role.ASSISTANT: Direction.OUT,
    Role.SYSTEM: Direction.INTERNAL,
}
# By what one is reached there, and on what one's word about being reached stands. The others take no address.
REACHED_BY: Final[Mapping[Channel, Reached]] = {
    Channel.EMAIL: Reached.EMAIL,
    Channel.SMS: Reached.SMS,
    Channel.WHATSAPP: Reached.WHATSAPP,
}


def delivery_of(channel: Channel, direction: Direction) -> Delivery:
    if direction is not Direction.OUT:
        return Delivery.NONE
    return Delivery.MAIL if channel is Channel.EMAIL else Delivery.NO_CHANNEL
