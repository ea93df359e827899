"""Conversations in the database: whose they may be, and what holds when several people write at once."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from crm.database import Sessions
from crm.identity.tokens import Identity
from crm.inbox.channels import Channel, Role
from crm.inbox.model import Conversation, Message
from crm.inbox.store import InboxStore
from crm.inbox.usecases import add_message, mark_read, read_conversation
from crm.inbox.writing import NewMessage, write
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.call_story import rows
from tests.crm.conftest import Org, make_org

AT_ONCE = 6


async def begun(sessions: Sessions, org: Org, lead_id: UUID) -> UUID:
    async with UnitOfWork(sessions, org.id) as unit:
        conversation = Conversation(org_id=org.id, id=new_id(), lead_id=lead_id, channel=Channel.CHAT.value)
        unit.session.add(conversation)
        await unit.commit()
        return conversation.id


def admin_of(org: Org) -> Identity:
    return Identity(org.user_id, org.email, "admin", org.id)


async def test_there_is_none_with_another_organisations_lead(sessions: Sessions, org: Org) -> None:
    stranger = await make_org(sessions)
    with pytest.raises(IntegrityError, match="conversations"):
        await begun(sessions, org, stranger.lead_id)


async def test_a_message_is_of_its_conversations_lead(sessions: Sessions, org: Org) -> None:
    conversation_id = await begun(sessions, org, org.lead_id)
    async with UnitOfWork(sessions, org.id) as unit:
        other = Lead(org_id=org.id, id=new_id(), name="Zoë")
        unit.session.add(other)
        await unit.session.flush()
        conversation = await InboxStore(unit).lock(conversation_id)
        assert conversation is not None
        message = await write(conversation, NewMessage(Role.USER, "hello?"), unit)
        with pytest.raises(IntegrityError, match="messages"):
            async with unit.session.begin_nested():
                await unit.session.execute(
                    text("UPDATE messages SET lead_id = :lead WHERE id = :id"), {"lead": other.id, "id": message.id}
                )
        # It goes with its conversation, in one statement.
        conversation.lead_id = other.id
        await unit.commit()
    (moved,) = await rows(sessions, org, Message)
    assert moved.lead_id == other.id


async def test_messages_that_are_written_at_once_are_numbered_without_gaps(sessions: Sessions, org: Org) -> None:
    conversation_id, person = await begun(sessions, org, org.lead_id), admin_of(org)
    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            role = Role.USER if number % 2 else Role.ASSISTANT
            work = add_message(conversation_id, role, str(number), {}, person, UnitOfWork(sessions, org.id))
            group.create_task(work)
    messages = sorted(await rows(sessions, org, Message), key=lambda message: message.number)
    assert [message.number for message in messages] == list(range(1, AT_ONCE + 1))
    assert [message.created_at for message in messages] == sorted(message.created_at for message in messages)
    found = await read_conversation(conversation_id, person, UnitOfWork(sessions, org.id))
    assert (found.conversation.message_count, found.unread) == (AT_ONCE, AT_ONCE // 2)
    counted = 0
    for message in messages:
        counted += message.role == Role.USER
        assert message.incoming == counted


async def test_two_devices_that_read_at_once_leave_the_further_mark(sessions: Sessions, org: Org) -> None:
    conversation_id, person = await begun(sessions, org, org.lead_id), admin_of(org)
    for number in range(3):
        await add_message(conversation_id, Role.USER, str(number), {}, person, UnitOfWork(sessions, org.id))
    messages = sorted(await rows(sessions, org, Message), key=lambda message: message.number)
    async with asyncio.TaskGroup() as group:
        for message in (messages[1], messages[0], messages[1]):
            group.create_task(mark_read(conversation_id, message.id, person, UnitOfWork(sessions, org.id)))
    assert (await read_conversation(conversation_id, person, UnitOfWork(sessions, org.id))).unread == 1
