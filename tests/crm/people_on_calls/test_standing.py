"""May the people in a call still be there: asked as voice nodes ask it, after what happens to people."""

from typing import Any

import httpx
import msgspec
import pytest

from config.settings import Settings
from crm.database import Sessions
from crm.permissions import Role
from events.ids import new_id
from events.standing import PEOPLE_MAX, STANDING_PATH, Gone, StandingAnswer
from events.ticket import Seat
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.test_api import data, problem


class Node:
    """A voice node, as far as it asks about people."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings) -> None:
        self._client = client
        self._key = settings.internal_key.get_secret_value()

    async def post(self, people: list[dict[str, Any]], key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._key if key is None else key}"}
        return await self._client.post(STANDING_PATH, json={"people": people}, headers=headers)

    async def ask(self, *people: tuple[Org, Seat]) -> list[Gone | None]:
        reply = await self.post([in_call(org, seat) for org, seat in people])
        assert reply.status_code == 200, reply.text
        return list(msgspec.json.decode(reply.content, type=StandingAnswer).gone)


def in_call(org: Org, seat: Seat = Seat.REP, **changes: Any) -> dict[str, Any]:
    named = {"org_id": org.id, "user_id": org.user_id, "session_id": org.session_id, "seat": seat} | changes
    return {name: str(value) for name, value in named.items()}


@pytest.fixture
def node(client: httpx.AsyncClient, settings: Settings) -> Node:
    return Node(client, settings)


async def test_each_role_has_the_seats_it_gets_tickets_for(node: Node, sessions: Sessions, org: Org) -> None:
    rep, boss, engineer = [await add_member(sessions, org, role) for role in (Role.REP, Role.SUPERVISOR, Role.ENGINEER)]
    asked = [(one, seat) for one in (rep, boss, engineer) for seat in (Seat.REP, Seat.SUPERVISOR)]
    no = Gone.NOT_ALLOWED
    assert await node.ask(*asked) == [None, no, None, None, no, no]


async def test_who_is_signed_out_suspended_or_taken_out_is_gone_at_once(
    node: Node, api: httpx.AsyncClient, client: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    out, suspended, removed, stays = [await add_member(sessions, org, Role.REP) for _ in range(4)]
    people = [(one, Seat.REP) for one in (out, suspended, removed, stays)]
    assert await node.ask(*people) == [None] * 4
    theirs = {"Authorization": f"Bearer {token_of(out, settings)}"}
    assert (await client.delete("/api/sessions", headers=theirs)).status_code < 300
    data(await api.patch(f"/api/members/{suspended.user_id}", json={"status": "suspended"}))
    assert (await api.delete(f"/api/members/{removed.user_id}")).status_code < 300
    assert await node.ask(*people) == [Gone.SIGNED_OUT] * 3 + [None]


async def test_a_role_that_is_lowered_takes_the_seat_away(
    node: Node, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    boss = await add_member(sessions, org, Role.SUPERVISOR)
    assert await node.ask((boss, Seat.SUPERVISOR)) == [None]
    data(await api.patch(f"/api/members/{boss.user_id}", json={"role": "rep"}))
    assert await node.ask((boss, Seat.SUPERVISOR), (boss, Seat.REP)) == [Gone.NOT_ALLOWED, None]


async def test_a_session_of_another_person_or_organisation_is_no_standing(
    node: Node, sessions: Sessions, org: Org
) -> None:
    rep, other = await add_member(sessions, org, Role.REP), await make_org(sessions)
    borrowed = [
        in_call(rep, session_id=org.session_id),
        in_call(rep, org_id=other.id),
        in_call(rep, session_id=new_id()),
    ]
    reply = await node.post(borrowed)
    assert msgspec.json.decode(reply.content, type=StandingAnswer).gone == (Gone.SIGNED_OUT,) * 3


async def test_only_nodes_ask_and_only_so_much(node: Node, org: Org, settings: Settings) -> None:
    problem(await node.post([in_call(org)], key="wrong"), 401, "not_signed_in")
    problem(await node.post([in_call(org)], key=token_of(org, settings)), 401, "not_signed_in")
    problem(await node.post([in_call(org) | {"seat": "king"}]), 400, "invalid_request")
    problem(await node.post([in_call(org)] * (PEOPLE_MAX + 1)), 400, "invalid_request")
