"""Tickets over HTTP: who gets one, to which calls, and that it says the truth."""

import time
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from config.settings import Settings
from crm.calls.model import Call
from crm.database import Sessions
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from events.ticket import LIFETIME_S, Seat, unseal
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode
from tests.crm.test_api import data, problem

ADDRESS = "ws://127.0.0.1:8701/n/node-a/people"


@pytest.fixture
async def live(script: CallScript, node: FakeNode, sessions: Sessions) -> str:
    """The path of tickets to a call that its node holds."""
    await node.announce(people=ADDRESS)
    await _set(sessions, script, state="listening")
    return f"/api/calls/{script.call_id}/ticket"


async def _set(sessions: Sessions, script: CallScript, **values: object) -> None:
    async with UnitOfWork(sessions, script.org_id) as unit:
        mine = (Call.org_id == script.org_id, Call.id == script.call_id)
        await unit.session.execute(update(Call).where(*mine).values(**values))
        await unit.commit()


def _as(member: Org, settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(member, settings)}"}


async def test_a_ticket_says_who_may_come_where(
    api: httpx.AsyncClient, org: Org, live: str, settings: Settings, script: CallScript
) -> None:
    answer = await api.post(live, json={"seat": "rep"})
    given = data(answer, 201)
    assert given["address"] == ADDRESS
    assert answer.headers["cache-control"] == "no-store"
    ticket = unseal(given["ticket"], settings.secret_key.get_secret_value(), time.time())
    assert (ticket.org_id, ticket.call_id, ticket.user_id) == (org.id, script.call_id, org.user_id)
    assert (ticket.name, ticket.role, ticket.session_id, ticket.seat) == ("Ada", "admin", org.session_id, Seat.REP)
    assert ticket.expires_at == ticket.issued_at + LIFETIME_S == given["expires_at"]


async def test_who_gets_which_seat(
    client: httpx.AsyncClient, org: Org, live: str, settings: Settings, sessions: Sessions
) -> None:
    seats = {Role.REP: ["rep"], Role.SUPERVISOR: ["rep", "supervisor"], Role.ENGINEER: []}
    for role, may in seats.items():
        member = await add_member(sessions, org, role)
        for seat in ("rep", "supervisor"):
            answer = await client.post(live, json={"seat": seat}, headers=_as(member, settings))
            if seat in may:
                data(answer, 201)
            else:
                problem(answer, 403, "forbidden")


async def test_what_is_not_there_to_come_to(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    live: str,
    node: FakeNode,
    settings: Settings,
    sessions: Sessions,
    script: CallScript,
) -> None:
    problem(await api.post(live, json={"seat": "owner"}), 400, "invalid_request")
    problem(await api.post(f"/api/calls/{uuid4()}/ticket", json={"seat": "rep"}), 404, "call_not_found")
    other = await make_org(sessions)
    stranger = await client.post(live, json={"seat": "rep"}, headers=_as(other, settings))
    problem(stranger, 404, "call_not_found")
    await node.announce(people="")  # takes none
    problem(await api.post(live, json={"seat": "rep"}), 503, "call_node_away")
    for values, code in (
        ({"node": "gone"}, "call_node_away"),
        ({"state": "queued"}, "call_not_begun"),
        ({"state": "ended"}, "call_over"),
        ({"state": "listening", "closed": True}, "call_over"),
    ):
        await _set(sessions, script, **values)
        problem(await api.post(live, json={"seat": "rep"}), 503 if code == "call_node_away" else 409, code)
