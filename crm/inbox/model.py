"""Conversations with leads, their messages, and how far each person has read them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from crm.inbox.channels import Status
from events.ids import new_id


class Conversation(Row):
    """With one lead on one channel. Its counts are changed by whoever holds the row (see writing)."""

    __tablename__ = "conversations"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    lead_id: Mapped[UUID]
    channel: Mapped[str]  # of channels.Channel
    status: Mapped[str] = mapped_column(default=Status.ACTIVE.value)
    subject: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[UUID | None]  # a user; None: whoever works the lead
    # The mapped class has a `metadata` of its own.
    notes: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    message_count: Mapped[int] = mapped_column(default=0)
    incoming_count: Mapped[int] = mapped_column(default=0)  # of these, those of the lead
    last_message_at: Mapped[datetime] = mapped_column(default=utc_now)  # of its begin, before there is one
    version: Mapped[int] = mapped_column(default=1)  # of what people set; messages do not change it
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Message(Row):
    """Never changed but for how far it has come."""

    __tablename__ = "messages"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID]
    lead_id: Mapped[UUID]  # the conversation's; follows it
    number: Mapped[int]  # 1 is the conversation's first
    incoming: Mapped[int]  # how many of the lead's there were with this one
    channel: Mapped[str]  # the conversation's, which never changes
    role: Mapped[str]
    direction: Mapped[str]
    status: Mapped[str]
    fault: Mapped[str] = mapped_column(default="")  # why it failed, see channels.Fault
    content: Mapped[str]
    to_address: Mapped[str] = mapped_column(default="")
    author_id: Mapped[UUID | None]  # a user who wrote or recorded it, and may have left since
    call_id: Mapped[UUID | None]  # the call in which it was promised
    notes: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]  # when its carrier had taken it


class ReadMark(Row):
    """The last message of a conversation that somebody has read."""

    __tablename__ = "read_marks"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID]
    user_id: Mapped[UUID]  # a member
    number: Mapped[int]  # that message's
    incoming: Mapped[int]  # that message's: what is more than these is unread
    at: Mapped[datetime] = mapped_column(default=utc_now)
