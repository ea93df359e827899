"""/live and /phone: who gets them, where their scripts may connect to, and what these ask of the CRM."""

import re
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from config.settings import Settings
from crm.calls.model import Call, CallEvent, Turn
from crm.database import Sessions
from crm.identity import cookies
from crm.notes.model import Note
from crm.pages.live import origins_of
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from events import attendance
from events.command import HangUp
from events.ids import new_id
from events.ticket import Seat, unseal
from events.wire import NodeReport
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode
from tests.crm.test_api import data, problem

ADDRESS = "ws://127.0.0.1:8701/n/node-a/people"
OURS = {"Origin": "http://crm.test"}


@pytest.fixture
async def browser(client: httpx.AsyncClient, org: Org) -> httpx.AsyncClient:
    """A browser that has signed in as `org`'s admin."""
    await client.post("/sign-in", data={"email": org.email, "password": org.password})
    return client


@pytest.fixture
async def live(script: CallScript, node: FakeNode, sessions: Sessions) -> UUID:
    """A call that its node holds."""
    await node.announce(people=ADDRESS)
    await _set(sessions, script, state="listening", answered_at=datetime.now(UTC))
    return script.call_id


async def _set(sessions: Sessions, script: CallScript, **values: object) -> None:
    async with UnitOfWork(sessions, script.org_id) as unit:
        mine = (Call.org_id == script.org_id, Call.id == script.call_id)
        await unit.session.execute(update(Call).where(*mine).values(**values))
        await unit.commit()


async def test_each_key_of_a_page_is_one_buttons(browser: httpx.AsyncClient) -> None:
    for path in ("/live", "/phone"):
        keys = re.findall(r'aria-keyshortcuts="([^"]+)"', (await browser.get(path)).text)
        assert len(keys) > 8
        assert sorted(keys) == sorted(set(keys)), path


async def test_strangers_are_led_to_the_sign_in_page_and_their_scripts_refused(
    client: httpx.AsyncClient, live: UUID
) -> None:
    for path in ("/live", "/phone"):
        assert (await client.get(path)).headers["location"] == "/sign-in"
    problem(await client.get("/people/calls"), 401, "not_signed_in")
    for what in ("ticket", "hang-up", "notes"):
        problem(await client.post(f"/people/calls/{live}/{what}", json={}), 401, "not_signed_in")


async def test_pages_may_connect_to_the_nodes_and_nowhere_else(browser: httpx.AsyncClient, live: UUID) -> None:
    for path in ("/live", "/phone"):
        page = await browser.get(path)
        assert "connect-src 'self' ws://127.0.0.1:8701;" in page.headers["content-security-policy"]
        assert 'data-nodes="ws://127.0.0.1:8701"' in page.text
    home = await browser.get("/")
    assert "connect-src 'self';" in home.headers["content-security-policy"]


def test_an_address_says_no_more_in_a_policy_than_where_a_node_is() -> None:
    reports = [
        NodeReport("a", 0, 1, people="wss://b.test/n/a/people"),
        NodeReport("b", 0, 1, people="wss://b.test/n/b/people"),
        NodeReport("c", 0, 1),
        NodeReport("d", 0, 1, people="wss://x; script-src *"),
        NodeReport("e", 0, 1, people="https://b.test/people"),
        NodeReport("f", 0, 1, people="ws://[::1]:8001/n/f/people"),
    ]
    assert origins_of(reports) == ["ws://[::1]:8001", "wss://b.test"]


async def test_roles_get_what_they_may_use(
    client: httpx.AsyncClient, org: Org, live: UUID, settings: Settings, sessions: Sessions
) -> None:
    allowed = {Role.REP: (False, True), Role.SUPERVISOR: (True, True), Role.ENGINEER: (False, False)}
    for role, (listens, joins) in allowed.items():
        member = await add_member(sessions, org, role)
        client.cookies.set(cookies.ACCESS, token_of(member, settings))
        for path, may in (("/live", listens), ("/phone", joins)):
            assert ("desk.js" in (await client.get(path)).text) is may
        for seat, may in (("supervisor", listens), ("rep", joins)):
            answer = await client.post(f"/people/calls/{live}/ticket", json={"seat": seat}, headers=OURS)
            if may:
                given = data(answer, 201)
                ticket = unseal(given["ticket"], settings.secret_key.get_secret_value(), time.time())
                assert (ticket.call_id, ticket.user_id, ticket.seat) == (live, member.user_id, Seat(seat))
                assert given["address"] == ADDRESS
                assert answer.headers["cache-control"] == "no-store"
            else:
                problem(answer, 403, "forbidden")
        if not joins:
            problem(await client.post(f"/people/calls/{live}/hang-up", headers=OURS), 403, "forbidden")


async def test_other_sites_pages_get_nothing(browser: httpx.AsyncClient, live: UUID, node: FakeNode) -> None:
    bodies = {"ticket": {"seat": "rep"}, "hang-up": {}, "notes": {"text": "Hello."}}
    for what, body in bodies.items():
        answer = await browser.post(f"/people/calls/{live}/{what}", json=body, headers={"Origin": "https://evil.test"})
        problem(answer, 403, "origin_not_allowed")
    assert not [order for order in node.orders if isinstance(order.body, HangUp)]


async def test_the_list_holds_what_is_live_now(
    browser: httpx.AsyncClient, live: UUID, script: CallScript, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        for turn, mood in enumerate(("neutral", "negative")):
            unit.session.add(Turn(org_id=org.id, call_id=live, epoch=1, turn=turn, speaker="caller", mood=mood))
        unit.session.add(Turn(org_id=org.id, call_id=live, epoch=1, turn=2, speaker="agent"))
        for seq, (leg, stable) in enumerate((("prospect", True), ("prospect", False), ("Ada", True)), 900):
            body = {"leg": leg, "stable": stable, "jitter_ms": 240, "loss": 0.0}
            event = CallEvent(org_id=org.id, call_id=live, epoch=1, seq=seq, kind="leg.quality", body=body)
            event.id, event.at = new_id(), datetime.now(UTC)
            unit.session.add(event)
        await unit.commit()
    (call,) = data(await browser.get("/people/calls"), 200)
    assert (call["call_id"], call["lead_name"], call["state"]) == (str(live), "Dana", "listening")
    assert (call["mood"], call["unstable"], call["jitter_ms"], call["angry"]) == ("negative", True, 240, False)
    for values in ({"ended_at": datetime.now(UTC)}, {"ended_at": None, "closed": True}):
        await _set(sessions, script, **values)
        assert data(await browser.get("/people/calls"), 200) == []


async def test_the_list_is_of_ones_own_organisation(
    browser: httpx.AsyncClient, live: UUID, sessions: Sessions, settings: Settings
) -> None:
    other = await make_org(sessions)
    browser.cookies.clear()
    browser.cookies.set(cookies.ACCESS, token_of(other, settings))
    assert data(await browser.get("/people/calls"), 200) == []
    for what, body in {"ticket": {"seat": "rep"}, "hang-up": {}, "notes": {"text": "Hello."}}.items():
        problem(await browser.post(f"/people/calls/{live}/{what}", json=body), 404, "call_not_found")


async def test_hanging_up_and_a_note(
    browser: httpx.AsyncClient, live: UUID, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    told = data(await browser.post(f"/people/calls/{live}/hang-up", headers=OURS), 202)
    assert told["confirmed"]
    assert [order.body.call_id for order in node.orders if isinstance(order.body, HangUp)] == [live]
    data(await browser.post(f"/people/calls/{live}/notes", json={"text": " Likes tea. "}, headers=OURS), 201)
    async with UnitOfWork(sessions, org.id) as unit:
        note = (await unit.session.scalars(select(Note).where(Note.org_id == org.id))).one()
    assert (note.text, note.lead_id, note.author_id) == ("Likes tea.", org.lead_id, org.user_id)
    for text in ("  ", "x\0", "x" * 10_001):
        problem(await browser.post(f"/people/calls/{live}/notes", json={"text": text}), 400, "invalid_request")
    problem(await browser.post(f"/people/calls/{uuid4()}/notes", json={"text": "x"}), 404, "call_not_found")


async def test_a_page_attends_by_a_ticket_and_shows_who_takes_calls(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, org: Org, node: FakeNode, settings: Settings
) -> None:
    await node.announce(people=ADDRESS)
    given = data(await browser.post("/people/availability/ticket", headers=OURS), 201)
    ticket = attendance.unseal(given["ticket"], settings.secret_key.get_secret_value(), time.time())
    assert (given["address"], ticket.org_id, ticket.user_id) == (ADDRESS, org.id, org.user_id)
    (one,) = data(await browser.get("/people/availability"), 200)
    assert (one["user_id"], one["availability"]) == (str(org.user_id), "away")
    foreign = await browser.post("/people/availability/ticket", headers={"Origin": "https://evil.test"})
    assert foreign.status_code == 403
    browser.cookies.clear()
    problem(await client.post("/people/availability/ticket", headers=OURS), 401, "not_signed_in")
    problem(await client.get("/people/availability"), 401, "not_signed_in")
