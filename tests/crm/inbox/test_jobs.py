"""Messages by mail: from the request to a real mail server, and what becomes of those that cannot be sent."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update

from crm.database import Sessions
from crm.identity.model import Organisation
from crm.inbox.channels import Progress
from crm.inbox.jobs import TRIED_FOR
from crm.inbox.model import Message
from crm.inbox.store import InboxStore
from crm.jobs.running import do_what_waits
from crm.leads.model import Lead, Task
from crm.mail.post import SmtpPost
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.call_story import rows
from tests.crm.conftest import Org
from tests.crm.jobs.desk import work_of
from tests.crm.mail.box import Box, mail_server
from tests.crm.test_api import data

DANA = "dana@bakery.example"


@pytest.fixture
async def server() -> AsyncIterator[tuple[Box, str]]:
    async with mail_server() as served:
        yield served


@pytest.fixture
def box(server: tuple[Box, str]) -> Box:
    return server[0]


@pytest.fixture
async def work(sessions: Sessions, postgres: PostgresAddresses, redis: Redis, server: tuple[Box, str]) -> Work:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    return work_of(sessions, postgres.app_url, redis, post=SmtpPost(server[1], "us@example.com"))


@pytest.fixture
async def path(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> str:
    """That of the messages of a conversation by mail."""
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(Lead).where(Lead.org_id == org.id).values(email=DANA))
        await unit.commit()
    body = {"lead_id": str(org.lead_id), "channel": "email"}
    return f"/api/conversations/{data(await api.post('/api/conversations', json=body), 201)['id']}/messages"


async def sent(api: httpx.AsyncClient, path: str, content: str = "See you on Tuesday.") -> dict[str, Any]:
    message = data(await api.post(path, json={"content": content}), 201)
    assert (message["status"], message["delivery"], message["to"]) == ("queued", "mail", DANA)
    return dict(message)


async def now(api: httpx.AsyncClient, path: str, message: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in data(await api.get(path)) if one["id"] == message["id"]]
    return dict(found)


async def try_again_at_once(work: Work) -> None:
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
        await unit.commit()
    await do_what_waits(work)


async def told(sessions: Sessions, org: Org) -> list[tuple[str, str]]:
    events = await rows(sessions, org, OutboxEvent)
    return [(event.kind, event.body.get("fault", "")) for event in events if event.kind != "message.created"]


async def test_a_message_goes_out_and_is_sent_not_delivered(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, work: Work, box: Box, path: str
) -> None:
    message = await sent(api, path, "Olá\n\nSee you on Tuesday.")
    data(await api.post(path, json={"content": "thank you", "role": "user"}), 201)
    await do_what_waits(work)
    (letter,) = box.messages()
    async with UnitOfWork(sessions, org.id) as unit:
        name = (await unit.session.get_one(Organisation, org.id)).name
    assert (letter["To"], letter["Subject"], letter["Message-ID"]) == (DANA, name, f"<{message['id']}@example.com>")
    body = letter.get_body()
    assert body is not None
    assert body.get_content().splitlines() == ["Olá", "", "See you on Tuesday."]
    after = await now(api, path, message)
    assert (after["status"], after["fault"]) == ("sent", "")
    assert after["sent_at"] is not None
    assert await told(sessions, org) == [("message.sent", "")]
    await do_what_waits(work)
    assert len(box.got) == 1


async def test_a_server_that_is_away_is_asked_again_and_in_the_end_it_failed(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, work: Work, box: Box, path: str
) -> None:
    box.refuse = "451 later"
    first, late = await sent(api, path, "first"), await sent(api, path, "late")
    await do_what_waits(work)
    assert (await now(api, path, first))["status"] == "queued"
    async with UnitOfWork(sessions, org.id) as unit:
        mine = (Message.org_id == org.id, Message.id == UUID(late["id"]))
        await unit.session.execute(update(Message).where(*mine).values(created_at=Message.created_at - TRIED_FOR))
        await unit.commit()
    await try_again_at_once(work)
    assert (await now(api, path, late))["fault"] == "mail_unavailable"
    box.refuse = ""
    await try_again_at_once(work)
    assert [letter.get_content().strip() for letter in box.messages()] == ["first"]
    assert await told(sessions, org) == [("message.failed", "mail_unavailable"), ("message.sent", "")]


async def test_an_address_that_is_refused_is_not_asked_again(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, work: Work, box: Box, path: str
) -> None:
    box.refuse_address = "550 no such mailbox"
    message = await sent(api, path)
    await do_what_waits(work)
    after = await now(api, path, message)
    assert (after["status"], after["fault"], after["sent_at"]) == ("failed", "address_refused", None)
    async with UnitOfWork(work.sessions) as unit:
        waiting = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'inbox.deliver'")
        assert await unit.session.scalar(waiting) == 0
    assert await rows(sessions, org, Task) == [], "no call has promised it"


async def test_who_refuses_while_it_waits_gets_nothing(
    api: httpx.AsyncClient, org: Org, work: Work, box: Box, path: str
) -> None:
    message = await sent(api, path)
    proof = {"channel": "email", "source": "letter", "evidence": "of 4 May"}
    data(await api.post(f"/api/leads/{org.lead_id}/refusals", json=proof), 201)
    await do_what_waits(work)
    assert (await now(api, path, message))["fault"] == "consent_refused"
    assert box.got == []


async def test_without_a_mail_server_nothing_counts_as_sent(
    api: httpx.AsyncClient, sessions: Sessions, postgres: PostgresAddresses, redis: Redis, work: Work, path: str
) -> None:
    message = await sent(api, path)
    await do_what_waits(work_of(sessions, postgres.app_url, redis))
    assert (await now(api, path, message))["fault"] == "no_mail_server"


@pytest.mark.parametrize("erased", [True, False])
async def test_what_a_call_promised_and_could_not_be_sent_is_a_persons_to_do(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, work: Work, box: Box, path: str, erased: bool
) -> None:
    box.refuse_address = "550 no such mailbox"
    message, call_id = await sent(api, path), new_id()
    async with UnitOfWork(sessions, org.id) as unit:
        mine = (Message.org_id == org.id, Message.id == UUID(message["id"]))
        await unit.session.execute(update(Message).where(*mine).values(call_id=call_id))
        if erased:
            await InboxStore(unit).forget_call(call_id)
        await unit.commit()
    await do_what_waits(work)
    after = await now(api, path, message)
    kinds = [(task.kind, task.title) for task in await rows(sessions, org, Task)]
    if erased:
        assert (after["content"], after["to"], after["fault"]) == ("", "", "erased")
        assert (kinds, box.got) == ([], [])
    else:
        assert after["fault"] == "address_refused"
        assert kinds == [("send_email", "Send Dana the e-mail that was promised")]


async def test_words_that_are_erased_after_sending_leave_that_it_was_sent(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, work: Work, path: str
) -> None:
    message, call_id = await sent(api, path), new_id()
    await do_what_waits(work)
    async with UnitOfWork(sessions, org.id) as unit:
        mine = (Message.org_id == org.id, Message.id == UUID(message["id"]))
        await unit.session.execute(update(Message).where(*mine).values(call_id=call_id))
        await InboxStore(unit).forget_call(call_id)
        await unit.commit()
    after = await now(api, path, message)
    assert (after["status"], after["fault"], after["content"]) == (Progress.SENT, "", "")
