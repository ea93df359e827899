"""Who takes calls now, as the CRM tells it of what the voice nodes say in Redis; and the ticket to take them."""

import time
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.database import Sessions
from crm.permissions import Role
from events import attendance, wire
from events.attendance import SeatReport, unseal
from events.ids import new_id
from tests.crm.conftest import Org, add_member, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem

ADDRESS = "ws://127.0.0.1:8701/n/node-a/people"
TICKET = "/api/me/availability/ticket"


async def test_how_everybody_stands(api: httpx.AsyncClient, org: Org, redis: Redis, sessions: Sessions) -> None:
    call = uuid4()
    rep = await add_member(sessions, org, Role.REP)
    off = await add_member(sessions, org, Role.SUPERVISOR)
    away = await add_member(sessions, org, Role.MANAGER)
    await add_member(sessions, org, Role.ENGINEER)  # talks in no calls
    for user_id, ready in ((org.user_id, True), (rep.user_id, True), (off.user_id, False)):
        report = SeatReport(user_id, "Ada", "node-a", new_id(), ready, 1_700_000_000.0)
        await redis.set(wire.seat_key(org.id, user_id), attendance.write(report), ex=wire.SEAT_TTL_S)
    await redis.set(wire.idle_key(org.id, org.user_id), "1700000060.5")

    async def stand() -> dict[str, str]:
        return {one["user_id"]: one["availability"] for one in data(await api.get("/api/availability"), 200)}

    people = [str(org.user_id), str(rep.user_id), str(off.user_id), str(away.user_id)]
    assert await stand() == dict(zip(people, ("ready", "ready", "not_ready", "away"), strict=True))
    [first, *_] = data(await api.get("/api/availability"), 200)
    assert first["since"] == "2023-11-14T22:14:20.500000+00:00"

    await redis.set(wire.occupied_key(org.id, org.user_id), attendance.ringing(call))
    await redis.set(wire.occupied_key(org.id, away.user_id), attendance.talking(call))
    assert await stand() == dict(zip(people, ("ringing", "ready", "not_ready", "busy"), strict=True))


async def test_a_ticket_lets_a_page_attend(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    org: Org,
    node: FakeNode,
    settings: Settings,
    sessions: Sessions,
) -> None:
    await node.announce(people="")
    problem(await api.post(TICKET), 503, "no_node_for_people")
    await node.announce(people=ADDRESS)
    answer = await api.post(TICKET)
    given = data(answer, 201)
    assert (given["address"], answer.headers["cache-control"]) == (ADDRESS, "no-store")
    ticket = unseal(given["ticket"], settings.secret_key.get_secret_value(), time.time())
    assert (ticket.org_id, ticket.user_id, ticket.name, ticket.role) == (org.id, org.user_id, "Ada", "admin")
    assert ticket.session_id == org.session_id

    engineer = await add_member(sessions, org, Role.ENGINEER)
    refused = await client.post(TICKET, headers={"Authorization": f"Bearer {token_of(engineer, settings)}"})
    problem(refused, 403, "forbidden")


def test_a_ticket_of_another_kind_is_none(settings: Settings) -> None:
    with pytest.raises(attendance.BadAttendance, match="DecodeError"):
        unseal("x.y.z", "key" * 12, 0.0)
    with pytest.raises(attendance.BadAttendance, match="too long"):
        unseal("x" * 5_000, "key" * 12, 0.0)
