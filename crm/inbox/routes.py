"""/api/conversations: what is written to leads and by them."""

import json
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Person, Unit
from crm.answers import PAGE_MAX, PAGES_MAX, Following, Paged, Success, followed_by, page_of, success
from crm.idempotency.writes import Attempted, once
from crm.inbox import usecases
from crm.inbox.channels import Channel, Delivery, Direction, Progress, Role, Status, delivery_of
from crm.inbox.lists import ConversationFilters, Order, Sort
from crm.inbox.model import Message
from crm.inbox.usecases import ConversationFields, Listed
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.text_patterns import NO_NUL, ONE_LINE
from crm.unit_of_work import UnitOfWork
from crm.versions import IfMatch, etag_of

CONTENT_CHARS_MAX: Final = 20_000
METADATA_CHARS_MAX: Final = 20_000

router = APIRouter(prefix="/api/conversations")


def _can_be_kept(value: dict[str, Any]) -> dict[str, Any]:
    # Refuses what Postgres does not keep: NaN, and half of a surrogate pair.
    text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    if b"\\u0000" in text:
        raise ValueError("texts must not contain the NUL character")
    if len(text) > METADATA_CHARS_MAX:
        raise ValueError(f"must be at most {METADATA_CHARS_MAX} characters long, as JSON")
    return value


Metadata = Annotated[dict[str, Any], AfterValidator(_can_be_kept)]
Subject = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)]
Content = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CONTENT_CHARS_MAX, pattern=NO_NUL)
]
Page = Annotated[int, Query(ge=1, le=PAGES_MAX)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
CursorAsked = Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)]


class ConversationChangeBody(BaseModel):
    """What is left out is as it is in a new one."""

    model_config = ConfigDict(extra="forbid")

    status: Status = Status.ACTIVE
    subject: Subject = ""
    owner_id: UUID | None = None
    metadata: Metadata = {}

    def fields(self) -> ConversationFields:
        return ConversationFields(self.status, self.subject, self.owner_id, self.metadata)


class ConversationBody(ConversationChangeBody):
    lead_id: UUID
    channel: Channel


class MessageBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    content: Content
    role: Role = Role.ASSISTANT
    metadata: Metadata = {}


class ReadBody(BaseModel):
    """Up to which message; without one, all that is there."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID | None = None


class ConversationJson(TypedDict):
    id: UUID
    lead_id: UUID
    channel: Channel
    status: Status
    subject: Annotated[str, Field(examples=["Your offer"])]
    owner_id: UUID | None
    metadata: dict[str, Any]
    messages: int
    unread: int
    last_message_at: datetime
    version: int
    created_at: datetime
    updated_at: datetime


class MessageJson(TypedDict):
    id: UUID
    conversation_id: UUID
    lead_id: UUID
    number: int
    channel: Channel
    role: Role
    direction: Direction
    content: str
    to: Annotated[str, Field(examples=["dana@bakery.example"])]
    status: Progress
    fault: Annotated[str, Field(examples=[""])]
    delivery: Delivery
    author_id: UUID | None
    call_id: UUID | None
    metadata: dict[str, Any]
    created_at: datetime
    sent_at: datetime | None


class UnreadJson(TypedDict):
    conversations: int
    messages: int


def filters_of(
    status: Status | None = None,
    channel: Channel | None = None,
    owner_id: UUID | None = None,
    lead_id: UUID | None = None,
    unread: bool | None = None,
) -> ConversationFilters:
    return ConversationFilters(status, channel, owner_id, lead_id, unread)


@router.post("", status_code=201)
async def post_conversation(
    body: ConversationBody, person: Person, unit: Unit, attempt: Attempted
) -> Success[ConversationJson]:
    """Begin a conversation; the lead and the channel stay what they are."""

    async def begin(part: UnitOfWork) -> ConversationJson:
        begun = await usecases.begin_conversation(body.lead_id, body.channel, body.fields(), part)
        return conversation_json(Listed(begun, 0))

    made = await once(unit, attempt, begin)
    answer: Success[ConversationJson] = success(made, status=201)
    answer.headers["ETag"] = etag_of(made["version"])
    return answer


@router.get("")
async def get_conversations(
    person: Person,
    unit: Unit,
    filters: Annotated[ConversationFilters, Depends(filters_of)],
    page: Page = 1,
    limit: Limit = 20,
    sort: Sort = "last_message_at",
    order: Order = "desc",
    cursor: CursorAsked = None,
) -> Paged[ConversationJson] | Following[ConversationJson]:
    """List conversations by numbered pages, or by cursor where one is sent: `cursor=` begins, `next` goes on.

    `unread` is by whoever asks, here as in each of them.
    """
    if cursor is None:
        found, total = await usecases.list_conversations(
            person, unit, filters, page=page, limit=limit, sort=sort, order=order
        )
        return success([conversation_json(one) for one in found], pagination=page_of(page, limit, total))
    part, following = await usecases.conversations_after(
        cursor, person, unit, filters, limit=limit, sort=sort, order=order
    )
    return success([conversation_json(one) for one in part], pagination=followed_by(following, limit))


@router.get("/unread")
async def get_unread(person: Person, unit: Unit) -> Success[UnreadJson]:
    """Count what whoever asks has not read in active conversations."""
    counted = await usecases.count_unread(person, unit)
    return success({"conversations": counted.conversations, "messages": counted.messages})


@router.get("/{conversation_id}")
async def get_conversation(conversation_id: UUID, person: Person, unit: Unit) -> Success[ConversationJson]:
    return _one(await usecases.read_conversation(conversation_id, person, unit))


@router.put("/{conversation_id}")
async def put_conversation(
    conversation_id: UUID, body: ConversationChangeBody, person: Person, unit: Unit, read: IfMatch
) -> Success[ConversationJson]:
    return _one(await usecases.replace_conversation(conversation_id, body.fields(), person, unit, read))


@router.get("/{conversation_id}/messages")
async def get_messages(
    conversation_id: UUID,
    person: Person,
    unit: Unit,
    page: Page = 1,
    limit: Limit = 20,
    order: Order = "desc",
    cursor: CursorAsked = None,
) -> Paged[MessageJson] | Following[MessageJson]:
    """List a conversation's messages in the order in which they were made; by cursor as conversations are."""
    if cursor is None:
        found, total = await usecases.list_messages(conversation_id, person, unit, page=page, limit=limit, order=order)
        return success([message_json(message) for message in found], pagination=page_of(page, limit, total))
    part, following = await usecases.messages_after(conversation_id, cursor, person, unit, limit=limit, order=order)
    return success([message_json(message) for message in part], pagination=followed_by(following, limit))


@router.post("/{conversation_id}/messages", status_code=201)
async def post_message(
    conversation_id: UUID, body: MessageBody, person: Person, unit: Unit, attempt: Attempted
) -> Success[MessageJson]:
    """Write to the lead (`assistant`), record what they wrote (`user`), or leave a remark (`system`)."""

    async def add(part: UnitOfWork) -> MessageJson:
        message = await usecases.add_message(conversation_id, body.role, body.content, body.metadata, person, part)
        return message_json(message)

    return success(await once(unit, attempt, add), status=201)


@router.post("/{conversation_id}/read")
async def post_read(conversation_id: UUID, body: ReadBody, person: Person, unit: Unit) -> Success[ConversationJson]:
    """Note that whoever asks has read it so far."""
    return _one(await usecases.mark_read(conversation_id, body.message_id, person, unit))


def _one(listed: Listed) -> Success[ConversationJson]:
    answer = success(conversation_json(listed))
    answer.headers["ETag"] = etag_of(listed.conversation.version)
    return answer


def conversation_json(listed: Listed) -> ConversationJson:
    conversation = listed.conversation
    return {
        "id": conversation.id,
        "lead_id": conversation.lead_id,
        "channel": Channel(conversation.channel),
        "status": Status(conversation.status),
        "subject": conversation.subject,
        "owner_id": conversation.owner_id,
        "metadata": conversation.notes,
        "messages": conversation.message_count,
        "unread": listed.unread,
        "last_message_at": conversation.last_message_at,
        "version": conversation.version,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def message_json(message: Message) -> MessageJson:
    channel, direction = Channel(message.channel), Direction(message.direction)
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "lead_id": message.lead_id,
        "number": message.number,
        "channel": channel,
        "role": Role(message.role),
        "direction": direction,
        "content": message.content,
        "to": message.to_address,
        "status": Progress(message.status),
        "fault": message.fault,
        "delivery": delivery_of(channel, direction),
        "author_id": message.author_id,
        "call_id": message.call_id,
        "metadata": message.notes,
        "created_at": message.created_at,
        "sent_at": message.sent_at,
    }
