"""What an agent promises in a call: a message in the lead's conversation of that channel, once, or a task."""

import pytest
from redis.asyncio import Redis
from sqlalchemy import update

from crm.call_events import EventConsumer
from crm.calls.erasure import CONTENT, erase
from crm.calls.model import EventCursor
from crm.consents.model import Consent
from crm.database import Sessions, utc_now
from crm.identity.tokens import Identity
from crm.inbox.model import Conversation, Message
from crm.leads.model import Lead, Task
from crm.unit_of_work import UnitOfWork
from events.call import Answered, Body, Closed, Finished, MessageRequested, Outcome, State
from tests.crm.call_story import rows
from tests.crm.conftest import NUMBER, Org
from tests.crm.fake_node import CallScript, publish

ENDS: tuple[Body, ...] = (Finished(State.ENDED, Outcome.HUNG_UP), Closed())


async def play(script: CallScript, consumer: EventConsumer, redis: Redis, *promises: Body) -> None:
    await publish(redis, *script.events([Answered(), *promises, *ENDS]))
    await consumer.turn()


async def test_promises_of_a_channel_are_one_conversation(
    script: CallScript, consumer: EventConsumer, redis: Redis, sessions: Sessions, org: Org
) -> None:
    first, second = MessageRequested("a", "sms", "The address."), MessageRequested("b", "sms", "And the time.")
    mail = MessageRequested("c", "email", "The offer.", " Dana@Bakery.example ")
    await play(script, consumer, redis, first, second, mail)
    conversations = await rows(sessions, org, Conversation)
    assert sorted((one.channel, one.message_count, one.lead_id) for one in conversations) == [
        ("email", 1, org.lead_id),
        ("sms", 2, org.lead_id),
    ]
    messages = sorted(await rows(sessions, org, Message), key=lambda one: (one.channel, one.number))
    assert [(one.content, one.to_address, one.status, one.role) for one in messages] == [
        ("The offer.", "dana@bakery.example", "queued", "assistant"),
        ("The address.", NUMBER, "queued", "assistant"),
        ("And the time.", NUMBER, "queued", "assistant"),
    ]
    assert {one.call_id for one in messages} == {script.call_id}
    # Mail goes out by itself; nothing here carries the other two yet.
    assert [task.kind for task in await rows(sessions, org, Task)] == ["send_sms", "send_sms"]


async def test_an_event_that_is_read_twice_promises_once(
    script: CallScript, consumer: EventConsumer, redis: Redis, sessions: Sessions, org: Org
) -> None:
    await play(script, consumer, redis, MessageRequested("a", "sms", "The address."))
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(update(EventCursor).values(cursor="0-0"))
        await unit.commit()
    await consumer.turn()
    assert len(await rows(sessions, org, Message)) == 1


@pytest.mark.parametrize(
    ("promise", "refused"),
    [
        (MessageRequested("a", "email", "The offer."), False),  # the lead has no address
        (MessageRequested("a", "email", "The offer.", "dana at bakery"), False),
        (MessageRequested("a", "sms", "The address.", "the other one"), False),
        (MessageRequested("a", "sms", "The address."), True),
        (MessageRequested("a", "sms", "  "), False),
        (MessageRequested("a", "fax", "The offer."), False),
    ],
)
async def test_what_cannot_be_written_to_anybody_is_a_task(
    promise: MessageRequested,
    refused: bool,
    script: CallScript,
    consumer: EventConsumer,
    redis: Redis,
    sessions: Sessions,
    org: Org,
) -> None:
    if refused:
        said = {"channel": "sms", "address": NUMBER, "said": "refused", "said_at": utc_now()}
        async with UnitOfWork(sessions, org.id) as unit:
            unit.session.add(Consent(org_id=org.id, source="form", evidence="a form", **said))
            await unit.commit()
    await play(script, consumer, redis, promise)
    assert await rows(sessions, org, Conversation) == []
    assert [task.kind for task in await rows(sessions, org, Task)] == [f"send_{promise.channel}"]


async def test_the_words_go_with_the_calls(
    script: CallScript, consumer: EventConsumer, redis: Redis, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(Lead).where(Lead.org_id == org.id).values(email="dana@bakery.example"))
        await unit.commit()
    await play(script, consumer, redis, MessageRequested("a", "email", "The offer."))
    admin = Identity(org.user_id, org.email, "admin", org.id)
    await erase(script.call_id, CONTENT, admin, UnitOfWork(sessions, org.id))
    (message,) = await rows(sessions, org, Message)
    assert (message.content, message.to_address, message.status, message.fault) == ("", "", "failed", "erased")
