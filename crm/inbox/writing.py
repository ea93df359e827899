"""Adding a message to a conversation: the one way, for people and for what calls promise.

In the caller's transaction, with the conversation held: its messages are numbered without gaps or ties, and what each
person has not read is a difference of two counts.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from crm.consents.model import Channel as Reached
from crm.consents.store import ConsentStore
from crm.consents.usecases import address_of
from crm.database import utc_now
from crm.inbox.channels import DIRECTIONS, REACHED_BY, Channel, Direction, Progress, Role, Status, delivery_of
from crm.inbox.model import Conversation, Message
from crm.leads.model import Lead
from crm.leads.phones import e164_of
from crm.mail.port import Letter
from crm.mail.post import check
from crm.outbox.emitting import OUTBOX
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

CREATED: Final = "message.created"


class NoAddress(Refusal):
    def __init__(self, channel: Channel) -> None:
        super().__init__("no_address", {"channel": channel.value})


class ConsentRefused(Refusal):
    def __init__(self, channel: Channel) -> None:
        super().__init__("consent_refused", {"channel": channel.value})


@dataclass(frozen=True, slots=True)
class NewMessage:
    role: Role
    content: str
    to: str = ""  # as address_for returned it, of what goes out
    author_id: UUID | None = None
    call_id: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


async def address_for(lead: Lead, channel: Channel, to: str, unit: UnitOfWork) -> str:
    """Return where a message to the lead goes: `to` if given, as it was said, or what the lead has.

    Empty for a channel without addresses.

    Raises:
        NoAddress: there is none, or `to` is none.
        ConsentRefused
    """
    reached = REACHED_BY.get(channel)
    if reached is None:
        return ""
    try:
        address = _read(to, reached) if to.strip() else address_of(lead, reached)
    except ValueError:
        raise NoAddress(channel) from None
    if address is None:
        raise NoAddress(channel)
    if await ConsentStore(unit).is_refused(reached, address):
        raise ConsentRefused(channel)
    return address


def _read(to: str, reached: Reached) -> str:
    """Return an address in the form in which leads and consents have it. Raises ValueError."""
    if reached is not Reached.EMAIL:
        return e164_of(to)
    address = to.strip().lower()
    check(Letter(address, "", ""))
    return address


async def write(conversation: Conversation, draft: NewMessage, unit: UnitOfWork) -> Message:
    """Add a message to a conversation that is locked or new, and tell of it; one that was closed is active again."""
    direction = DIRECTIONS[draft.role]
    channel = Channel(conversation.channel)
    now = utc_now()
    conversation.message_count += 1
    conversation.incoming_count += direction is Direction.IN
    conversation.last_message_at = now
    conversation.status = Status.ACTIVE.value
    message = Message(
        org_id=unit.org_id,
        id=new_id(),
        conversation_id=conversation.id,
        lead_id=conversation.lead_id,
        number=conversation.message_count,
        incoming=conversation.incoming_count,
        channel=channel.value,
        role=draft.role.value,
        direction=direction.value,
        status=(Progress.QUEUED if direction is Direction.OUT else Progress.DELIVERED).value,
        content=draft.content,
        to_address=draft.to,
        author_id=draft.author_id,
        call_id=draft.call_id,
        notes=draft.metadata,
        created_at=now,
    )
    # The conversation's own row is written before a message refers to it.
    await unit.session.flush()
    unit.session.add(message)
    await unit.session.flush()
    delivery = delivery_of(channel, direction).value
    told = {"channel": channel.value, "role": message.role, "direction": direction.value, "delivery": delivery}
    await OUTBOX.emit(unit, CREATED, ids_of(message) | told)
    return message


def ids_of(message: Message) -> dict[str, str]:
    """Return what events tell of a message."""
    names = ("conversation_id", "lead_id")
    return {"message_id": str(message.id)} | {name: str(getattr(message, name)) for name in names}
