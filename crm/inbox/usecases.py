"""What people do with conversations: begin, list, change and hand them over, write in them and read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from crm.identity.belonging import check_member
from crm.identity.tokens import Identity
from crm.inbox.channels import DIRECTIONS, Channel, Direction, Role, Status
from crm.inbox.lists import ConversationFilters, InboxLists, Order, Sort
from crm.inbox.model import Conversation, Message
from crm.inbox.store import InboxStore
from crm.inbox.writing import NewMessage, address_for, write
from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.outbox.emitting import OUTBOX
from crm.page_cursor import Cursor, cut, decode
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition

ASSIGNED: Final = "conversation.assigned"


class ConversationNotFound(Refusal):
    def __init__(self, conversation_id: UUID) -> None:
        super().__init__("conversation_not_found", {"conversation_id": str(conversation_id)})


class MessageNotFound(Refusal):
    def __init__(self, message_id: UUID) -> None:
        super().__init__("message_not_found", {"message_id": str(message_id)})


@dataclass(frozen=True, slots=True)
class ConversationFields:
    """What people set."""

    status: Status
    subject: str
    owner_id: UUID | None  # a member
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation as one person sees it."""

    conversation: Conversation
    unread: int


@dataclass(frozen=True, slots=True)
class Unread:
    conversations: int
    messages: int


async def begin_conversation(
    lead_id: UUID, channel: Channel, fields: ConversationFields, unit: UnitOfWork
) -> Conversation:
    """Raises LeadNotFound, or Refusal: the owner is no member."""
    async with unit:
        if await LeadStore(unit).get(lead_id) is None:
            raise LeadNotFound(lead_id)
        conversation = Conversation(org_id=unit.org_id, lead_id=lead_id, channel=channel.value)
        await _set(conversation, fields, unit)
        unit.session.add(conversation)
        await unit.session.flush()
        if fields.owner_id is not None:
            await _tell_owner(conversation, unit)
        await unit.commit()
        return conversation


async def read_conversation(conversation_id: UUID, person: Identity, unit: UnitOfWork) -> Listed:
    """Raises ConversationNotFound."""
    async with unit:
        return await _as_seen(await _get(conversation_id, unit), person, unit)


async def replace_conversation(
    conversation_id: UUID, fields: ConversationFields, person: Identity, unit: UnitOfWork, read: Precondition
) -> Listed:
    """Raises ConversationNotFound, VersionChanged, or Refusal: the owner is no member."""
    async with unit:
        conversation = await InboxStore(unit).lock(conversation_id)
        if conversation is None:
            raise ConversationNotFound(conversation_id)
        read.check(conversation.version)
        owned_by = conversation.owner_id
        await _set(conversation, fields, unit)
        conversation.version += 1
        await unit.session.flush()
        if conversation.owner_id != owned_by:
            await _tell_owner(conversation, unit)
        seen = await _as_seen(conversation, person, unit)
        await unit.commit()
        return seen


async def list_conversations(
    person: Identity,
    unit: UnitOfWork,
    filters: ConversationFilters,
    *,
    page: int,
    limit: int,
    sort: Sort,
    order: Order,
) -> tuple[Sequence[Listed], int]:
    """Return a numbered page and how many there are in all; both take longer the more there are."""
    async with unit:
        lists = InboxLists(unit, person.user_id)
        rows = await lists.page(page, limit, sort, order, filters)
        return [Listed(*row) for row in rows], await lists.count(filters)


async def conversations_after(
    cursor: str,
    person: Identity,
    unit: UnitOfWork,
    filters: ConversationFilters,
    *,
    limit: int,
    sort: Sort,
    order: Order,
) -> tuple[Sequence[Listed], str | None]:
    """Return those behind a cursor, or the first ones after an empty one, and the next cursor. Raises BadCursor."""
    named = f"{sort}:{order}"
    place = decode(cursor, named, datetime) if cursor else None
    async with unit:
        rows = await InboxLists(unit, person.user_id).following(place, limit + 1, sort, order, filters)
    found = [Listed(*row) for row in rows]
    return cut(found, limit, lambda one: Cursor(named, getattr(one.conversation, sort), one.conversation.id))


async def count_unread(person: Identity, unit: UnitOfWork) -> Unread:
    """Count what a person has not read in active conversations."""
    async with unit:
        return Unread(*await InboxLists(unit, person.user_id).unread())


async def list_messages(
    conversation_id: UUID, person: Identity, unit: UnitOfWork, *, page: int, limit: int, order: Order
) -> tuple[Sequence[Message], int]:
    """Return a numbered page and how many messages there are in all. Raises ConversationNotFound."""
    async with unit:
        conversation = await _get(conversation_id, unit)
        lists = InboxLists(unit, person.user_id)
        found = await lists.messages(conversation_id, order, limit, skip=(page - 1) * limit)
        return found, conversation.message_count


async def messages_after(
    conversation_id: UUID, cursor: str, person: Identity, unit: UnitOfWork, *, limit: int, order: Order
) -> tuple[Sequence[Message], str | None]:
    """Return what follows a cursor, and the next one. Raises ConversationNotFound, BadCursor."""
    named = f"number:{order}"
    place = decode(cursor, named, int) if cursor else None
    number = int(place.value) if place is not None and isinstance(place.value, int) else None
    async with unit:
        await _get(conversation_id, unit)
        lists = InboxLists(unit, person.user_id)
        found = await lists.messages(conversation_id, order, limit + 1, after_number=number)
    return cut(found, limit, lambda message: Cursor(named, message.number, message.id))


async def add_message(
    conversation_id: UUID, role: Role, content: str, metadata: dict[str, Any], person: Identity, unit: UnitOfWork
) -> Message:
    """Write a message to the lead, record one of theirs, or leave a remark.

    What goes out is delivered after this has committed, where its channel has a carrier (see jobs).

    Raises:
        ConversationNotFound, NoAddress, ConsentRefused
    """
    async with unit:
        conversation = await InboxStore(unit).lock(conversation_id)
        if conversation is None:
            raise ConversationNotFound(conversation_id)
        to = ""
        if DIRECTIONS[role] is Direction.OUT:
            lead = await LeadStore(unit).get(conversation.lead_id)
            assert lead is not None, "a conversation goes with its lead"
            to = await address_for(lead, Channel(conversation.channel), "", unit)
        draft = NewMessage(role, content, to, author_id=person.user_id, metadata=metadata)
        message = await write(conversation, draft, unit)
        await unit.commit()
        return message


async def mark_read(conversation_id: UUID, message_id: UUID | None, person: Identity, unit: UnitOfWork) -> Listed:
    """Note that a person has read a conversation up to a message, or all that is there; never less than before.

    Raises:
        ConversationNotFound, MessageNotFound
    """
    async with unit:
        conversation = await _get(conversation_id, unit)
        number, incoming = conversation.message_count, conversation.incoming_count
        store = InboxStore(unit)
        if message_id is not None:
            message = await store.message(message_id, conversation_id)
            if message is None:
                raise MessageNotFound(message_id)
            number, incoming = message.number, message.incoming
        read = await store.mark_read(conversation_id, person.user_id, number, incoming)
        await unit.commit()
        return Listed(conversation, max(0, conversation.incoming_count - read))


async def _get(conversation_id: UUID, unit: UnitOfWork) -> Conversation:
    conversation = await unit.session.get(Conversation, (unit.org_id, conversation_id))
    if conversation is None:
        raise ConversationNotFound(conversation_id)
    return conversation


async def _as_seen(conversation: Conversation, person: Identity, unit: UnitOfWork) -> Listed:
    read = await InboxStore(unit).read_by(conversation.id, person.user_id)
    # A message that came between the two reads is not counted below nothing.
    return Listed(conversation, max(0, conversation.incoming_count - read))


async def _set(conversation: Conversation, fields: ConversationFields, unit: UnitOfWork) -> None:
    await check_member(fields.owner_id, "body.owner_id", unit)
    conversation.status = fields.status.value
    conversation.subject = fields.subject
    conversation.owner_id = fields.owner_id
    conversation.notes = fields.metadata


async def _tell_owner(conversation: Conversation, unit: UnitOfWork) -> None:
    owner = str(conversation.owner_id) if conversation.owner_id is not None else None
    told = {"conversation_id": str(conversation.id), "lead_id": str(conversation.lead_id), "owner_id": owner}
    await OUTBOX.emit(unit, ASSIGNED, told)
