"""The plain pages over HTTP: signing in, what is shown, and that nothing of a prospect's becomes markup."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, event

from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import EventCursor
from crm.database import Sessions
from crm.identity import cookies
from crm.leads.model import Lead
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import (
    Answered,
    Body,
    Closed,
    FactKind,
    FactNoted,
    Finished,
    Outcome,
    RecordingStored,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    TurnTimed,
)
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish

EVIL = "<script>alert('x')</script>"


@pytest.fixture
async def browser(client: httpx.AsyncClient, org: Org) -> httpx.AsyncClient:
    """A browser that has signed in as `org`'s admin."""
    answer = await client.post("/sign-in", data={"email": org.email, "password": org.password})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


@pytest.fixture
async def call_id(resources: Resources, node: FakeNode, org: Org) -> UUID:
    return (await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)).call_id


async def play(resources: Resources, org: Org, call_id: UUID, *bodies: Body) -> None:
    async with UnitOfWork(resources.sessions) as unit:
        await unit.session.execute(delete(EventCursor))
        await unit.commit()
    await publish(resources.redis, *CallScript(org.id, call_id).events(bodies))
    await EventConsumer(resources.sessions, resources.redis, block_ms=10).turn()


async def test_a_stranger_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    for path in ("/", "/fragments/calls", "/calls/01a2069c-d4ec-764d-bb7a-e931004cdf08"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    page = await client.get("/sign-in")
    assert page.status_code == 200
    assert 'name="password"' in page.text


async def test_a_wrong_password_says_so(client: httpx.AsyncClient, org: Org) -> None:
    answer = await client.post("/sign-in", data={"email": org.email, "password": "no"})
    assert answer.status_code == 401
    assert "is wrong" in answer.text
    assert "set-cookie" not in answer.headers


async def test_the_session_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient, org: Org) -> None:
    answer = await client.post("/sign-in", data={"email": org.email, "password": org.password})
    left = answer.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in left} == {cookies.ACCESS, cookies.REFRESH}
    assert all("httponly" in cookie.lower() and "samesite=strict" in cookie.lower() for cookie in left)


async def test_forms_of_other_sites_are_refused(browser: httpx.AsyncClient, org: Org, node: FakeNode) -> None:
    for path in ("/sign-in", "/call", "/sign-out"):
        answer = await browser.post(path, data={"lead_id": str(org.lead_id)}, headers={"Origin": "https://evil.test"})
        assert answer.status_code == 403
    assert node.orders == []


async def test_signing_out(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/")).status_code == 200
    await browser.post("/sign-out")
    assert (await browser.get("/")).status_code == 303


async def test_a_session_outlives_its_access_token(browser: httpx.AsyncClient) -> None:
    old = {name: browser.cookies[name] for name in (cookies.ACCESS, cookies.REFRESH)}
    browser.cookies.delete(cookies.ACCESS)
    # Whatever the answer is, the new cookies are in it.
    missing = await browser.get("/calls/01a2069c-d4ec-764d-bb7a-e931004cdf08")
    assert missing.status_code == 404
    assert browser.cookies[cookies.REFRESH] != old[cookies.REFRESH]
    renewed = browser.cookies[cookies.REFRESH]
    assert (await browser.get("/")).status_code == 200
    assert browser.cookies[cookies.REFRESH] == renewed, "nothing is exchanged before it has to be"
    browser.cookies.delete(cookies.ACCESS)
    await browser.post("/sign-out")
    browser.cookies.set(cookies.REFRESH, renewed)
    assert (await browser.get("/")).status_code == 303


async def test_pages_load_nothing_inline_and_nothing_from_elsewhere(browser: httpx.AsyncClient, call_id: UUID) -> None:
    for path in ("/", f"/calls/{call_id}", "/sign-in"):
        page = await browser.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert re.findall(r'(?:src|href|action)="(?!/)[^"]*"', page.text) == []
        for asset in re.findall(r'(?:src|href)="(/static/[^"]*)"', page.text):
            assert (await browser.get(asset)).status_code == 200


async def test_home_lists_calls_and_leads(browser: httpx.AsyncClient, call_id: UUID) -> None:
    page = await browser.get("/")
    assert f"/calls/{call_id}" in page.text
    assert "wallet 200 credits, held 300" in page.text
    assert "+12025550142" in page.text
    fragment = await browser.get("/fragments/calls")
    assert f"/calls/{call_id}" in fragment.text
    assert "<html" not in fragment.text


async def test_what_is_polled_takes_no_look_at_the_whole_past(
    browser: httpx.AsyncClient, resources: Resources, call_id: UUID
) -> None:
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    engine = resources.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert f"/calls/{call_id}" in (await browser.get("/fragments/calls")).text
    finally:
        event.remove(engine, "before_cursor_execute", note)
    said = " ".join(asked)
    assert "FROM calls" in said
    assert "ledger_entries" not in said
    assert "count(" not in said


async def test_the_call_button_calls(browser: httpx.AsyncClient, node: FakeNode, org: Org) -> None:
    answer = await browser.post("/call", data={"lead_id": str(org.lead_id)}, headers={"Origin": "http://crm.test"})
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    assert "Dana" in page.text
    assert len(node.orders) == 1


async def test_a_call_that_is_not_placed_says_why(browser: httpx.AsyncClient, org: Org) -> None:
    answer = await browser.post("/call", data={"lead_id": str(org.lead_id)})
    assert answer.status_code == 503
    assert "No voice node has room" in answer.text
    assert "Dana" in answer.text, "the page is whole"


async def test_the_call_page_tells_the_call(
    browser: httpx.AsyncClient, resources: Resources, org: Org, call_id: UUID
) -> None:
    empty = await browser.get(f"/calls/{call_id}")
    assert "Nothing has been said yet." in empty.text
    await resources.store.put_async("r.wav", b"RIFFdata")
    await play(
        resources,
        org,
        call_id,
        Answered(),
        TurnFinished(1, Speaker.CALLER, "who is this", "who is this", 100, 600),
        TurnTimed(2, vad_ms=200, played_ms=520),
        TurnFinished(2, Speaker.AGENT, "Hello, this is Alex.", "Hello, this", 1120, 1900, 520, interrupted=True),
        FactNoted(FactKind.CALLBACK_REQUESTED, when="Friday at three"),
        Finished(State.ENDED, Outcome.CALLBACK_REQUESTED, None, 14.2, 15, "said_goodbye"),
        RecordingStored("file:///r.wav", "r.wav", 2, 14.2, 8, "00"),
        Closed(),
    )
    page = (await browser.get(f"/calls/{call_id}")).text
    assert "who is this" in page
    assert '<p>Hello, this<del title="not heard"> is Alex.</del></p>' in page
    assert "answered after 520 ms" in page
    assert '<rect class="vad_ms" x="0.0" y="0" width="120.0"' in page
    assert "Call Dana back: Friday at three" in page
    assert "callback requested" in page
    assert "<audio controls" in page
    assert "<dd>500 → 497.5</dd>" in page
    assert "data-over" in page
    player = await browser.get(f"/calls/{call_id}/recording")
    assert player.status_code == 302
    assert (await browser.get(player.headers["location"])).content == b"RIFFdata"


async def test_nothing_a_prospect_says_becomes_markup(
    browser: httpx.AsyncClient, resources: Resources, org: Org, call_id: UUID
) -> None:
    async with UnitOfWork(resources.sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        lead.name = lead.company = EVIL
        await unit.commit()
    await play(
        resources,
        org,
        call_id,
        TurnFinished(1, Speaker.CALLER, EVIL, EVIL, 1, 2),
        TurnFinished(2, Speaker.AGENT, EVIL + EVIL, EVIL, 3, 4),
        FactNoted(FactKind.NOTE, EVIL),
        FactNoted(FactKind.CALLBACK_REQUESTED, EVIL, EVIL),
        Finished(State.ENDED, Outcome.HUNG_UP, reason=EVIL),
    )
    for path in ("/", "/fragments/calls", f"/calls/{call_id}", f"/fragments/calls/{call_id}"):
        page = (await browser.get(path)).text
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page


async def test_another_organisations_call_is_not_there(
    browser: httpx.AsyncClient, resources: Resources, node: FakeNode, sessions: Sessions, redis: Redis
) -> None:
    other = await make_org(sessions)
    call = await resources.dialler.dial(DialRequest(lead_id=other.lead_id), other.id)
    for path in (f"/calls/{call.call_id}", f"/fragments/calls/{call.call_id}", f"/calls/{call.call_id}/recording"):
        assert (await browser.get(path)).status_code == 404
    assert str(call.call_id) not in (await browser.get("/")).text


async def test_a_call_shows_its_states_and_what_it_cost(
    browser: httpx.AsyncClient, api: httpx.AsyncClient, resources: Resources, org: Org, call_id: UUID
) -> None:
    page = (await browser.get(f"/calls/{call_id}")).text
    assert "No voice node has spoken for it yet" in page
    ringing = StateChanged(State.RINGING, State.DIALING)
    turns = [StateChanged(State.LISTENING, State.RINGING)]
    turns += [StateChanged(State.SPEAKING, State.LISTENING), StateChanged(State.LISTENING, State.SPEAKING)] * 3
    ended = StateChanged(State.ENDED, State.ENDING, "end_call")
    finished = Finished(State.ENDED, Outcome.HUNG_UP, None, 30.0, 30)
    await play(resources, org, call_id, ringing, Answered(), *turns, ended, finished, Closed())
    page = (await browser.get(f"/calls/{call_id}")).text
    assert page.count('<dt class="mono">') == 3, "who has the floor is the transcript's"
    assert "settle" in page
    call = (await api.get(f"/api/calls/{call_id}")).json()["data"]
    assert [(change["previous"], change["state"]) for change in call["states"]] == [
        ("dialing", "ringing"),
        ("ringing", "listening"),
        ("ending", "ended"),
    ]
    assert [line["kind"] for line in call["transactions"]] == ["settle", "reserve"]
