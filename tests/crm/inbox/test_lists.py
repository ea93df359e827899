"""How Postgres goes about the inbox's lists, over many rows and as the application's own role."""

from uuid import UUID

import pytest
from sqlalchemy import text

from crm.database import Sessions
from crm.inbox.channels import Channel, Status
from crm.inbox.lists import ConversationFilters, InboxLists, Sort
from crm.inbox.store import InboxStore
from crm.page_cursor import Cursor
from crm.timeline.store import Kind, TimelineStore
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.crowds import MANY, make_crowd, plan_of

_CONVERSATIONS = text("""
    INSERT INTO conversations (org_id, id, lead_id, channel, status, owner_id, message_count, incoming_count,
        last_message_at, created_at)
    SELECT :org, gen_random_uuid(), :lead, (ARRAY['chat', 'sms', 'email'])[i % 3 + 1],
        CASE WHEN i % 5 = 0 THEN 'closed' ELSE 'active' END, CASE WHEN i % 7 = 0 THEN CAST(:owner AS uuid) END,
        1, i % 2, now() - i / 3 * interval '1 second', now() - i / 2 * interval '1 minute'
    FROM generate_series(1, :many) AS i""")
_MESSAGES = text("""
    INSERT INTO messages (org_id, id, conversation_id, lead_id, number, incoming, channel, role, direction, status,
        content, created_at)
    SELECT :org, gen_random_uuid(), c.id, :lead, i, i, c.channel, 'user', 'in', 'delivered', 'hello', now()
    FROM (SELECT id, channel FROM conversations WHERE org_id = :org LIMIT 1) AS c, generate_series(1, :many) AS i""")


@pytest.fixture(scope="module")
def crowd(postgres: PostgresAddresses) -> Org:
    """An organisation of many conversations, of which one has many messages."""

    async def fill(org: Org, unit: UnitOfWork) -> None:
        asked = {"org": org.id, "lead": org.lead_id, "many": MANY}
        await unit.session.execute(_CONVERSATIONS, asked | {"owner": org.user_id})
        await unit.session.execute(_MESSAGES, asked)

    return make_crowd(postgres, fill, "conversations", "messages", "read_marks")


@pytest.mark.parametrize("sort", ["last_message_at", "created_at"])
@pytest.mark.parametrize("unread", [None, True])
async def test_every_order_of_conversations_is_an_indexs(
    sort: Sort, unread: bool | None, crowd: Org, sessions: Sessions
) -> None:
    async with UnitOfWork(sessions, crowd.id) as unit:
        lists = InboxLists(unit, crowd.user_id)
        filters = ConversationFilters(unread=unread)
        place = (await lists.following(None, 2, sort, "desc", filters))[-1][0]
        cursor = Cursor("", getattr(place, sort), place.id)
        plan = await plan_of(lists.listing(cursor, 20, sort, "desc", filters), unit)
    assert f"org_id_{sort}_id_idx" in plan, plan
    assert "Sort" not in plan, plan
    assert "Seq Scan on conversations" not in plan, plan


@pytest.mark.parametrize("column", ["lead_id", "channel", "status", "owner_id"])
async def test_every_filter_of_conversations_has_an_index(column: str, crowd: Org, sessions: Sessions) -> None:
    filters = {
        "lead_id": ConversationFilters(lead_id=new_id()),
        "channel": ConversationFilters(channel=Channel.WHATSAPP),
        "status": ConversationFilters(status=Status.CLOSED),
        "owner_id": ConversationFilters(owner_id=crowd.user_id),
    }
    async with UnitOfWork(sessions, crowd.id) as unit:
        lists = InboxLists(unit, crowd.user_id)
        listing = lists.listing(None, 20, "last_message_at", "desc", filters[column])
        plan = await plan_of(listing, unit)
    assert f"org_id_{column}_last_message_at_id_idx" in plan, plan
    assert "Sort" not in plan, plan


async def test_messages_and_the_timeline_are_read_by_their_indexes(crowd: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, crowd.id) as unit:
        lists = InboxLists(unit, crowd.user_id)
        found = await unit.session.scalar(
            text("SELECT conversation_id FROM messages WHERE org_id = :org LIMIT 1"), {"org": crowd.id}
        )
        plan = await plan_of(lists.messages_listing(UUID(str(found)), "desc", 20, 1_000), unit)
        assert "org_id_conversation_id_number_key" in plan, plan
        assert "Sort" not in plan, plan
        items = await TimelineStore(unit).page(crowd.lead_id, [Kind.MESSAGE], 20, None)
        assert len(items) == 20
        part = TimelineStore(unit)._part(Kind.MESSAGE, crowd.lead_id, 20, None).select()
        plan = await plan_of(part, unit)
    assert "lead_id_created_at_id_idx" in plan, plan
    assert "Sort" not in plan, plan


async def test_what_is_unread_is_told_without_counting_messages(crowd: Org, sessions: Sessions) -> None:
    """Half of the conversations have one incoming message each; those of the crowd's active ones are counted."""
    async with UnitOfWork(sessions, crowd.id) as unit:
        lists = InboxLists(unit, crowd.user_id)
        expected = sum(1 for number in range(1, MANY + 1) if number % 2 and number % 5)
        assert await lists.unread() == (expected, expected)
        assert await lists.count(ConversationFilters(unread=True)) == MANY // 2
        (some, unread), *_ = await lists.page(1, 1, "last_message_at", "desc", ConversationFilters(unread=True))
        assert unread == 1
        await InboxStore(unit).mark_read(some.id, crowd.user_id, 1, 1)
        assert await lists.count(ConversationFilters(unread=True)) == MANY // 2 - 1
        assert await lists.count(ConversationFilters(unread=False)) == MANY // 2 + 1


async def test_cursors_show_every_conversation_once_in_spite_of_ties(crowd: Org, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, crowd.id) as unit:
        lists = InboxLists(unit, crowd.user_id)
        cursor: Cursor | None = None
        seen: list[UUID] = []
        while len(seen) < MANY + 1:
            part = await lists.following(cursor, 500, "last_message_at", "desc", ConversationFilters())
            if not part:
                break
            seen += [conversation.id for conversation, _ in part]
            cursor = Cursor("", part[-1][0].last_message_at, part[-1][0].id)
    assert len(seen) == len(set(seen)) == MANY
