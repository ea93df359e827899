"""Queues over HTTP: made, changed, removed, with members of the organisation and nobody else's."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import delete

from config.settings import Settings
from crm.database import Sessions
from crm.identity.model import Member
from crm.permissions import Role
from crm.queues.plans import queue_in_plan, rep_in_plan
from crm.unit_of_work import UnitOfWork
from events.queue import Member as InPlan
from events.queue import QueuePlan, Strategy, Then
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.test_api import data, problem

PATH = "/api/queues"


def body(*member_ids: UUID, **changes: Any) -> dict[str, Any]:
    return {"name": "Sales", "member_ids": [str(one) for one in member_ids]} | changes


async def test_a_queue_is_made_changed_and_removed(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings
) -> None:
    bob = await add_member(sessions, org, Role.REP)
    made = data(await api.post(PATH, json=body(org.user_id, bob.user_id, bob.user_id)), 201)
    assert made["member_ids"] == [str(org.user_id), str(bob.user_id)]
    assert (made["strategy"], made["then"], made["ring_s"], made["wait_s"]) == ("ring_all", "agent", 20, 180)
    path = f"{PATH}/{made['id']}"
    problem(await api.post(PATH, json=body(name=" sales ")), 409, "queue_exists")

    wanted = body(
        bob.user_id, name="Support", strategy="longest_idle", then="hang_up", ring_s=5, wait_s=1800, goodbye="Bye."
    )
    changed = data(await api.put(path, json=wanted), 200)
    assert data(await api.get(path), 200) == changed
    assert data(await api.get(PATH), 200) == [changed]
    async with UnitOfWork(sessions, org.id) as unit:
        planned = await queue_in_plan(UUID(made["id"]), unit)
    assert planned == QueuePlan(
        "Support",
        (InPlan(bob.user_id, "Bob"),),
        id=UUID(made["id"]),
        strategy=Strategy.LONGEST_IDLE,
        ring_s=5,
        wait_s=1800,
        then=Then.HANG_UP,
        goodbye="Bye.",
    )

    assert (await api.delete(path)).status_code == 204
    problem(await api.get(path), 404, "queue_not_found")
    problem(await api.put(path, json=body()), 404, "queue_not_found")
    problem(await api.delete(path), 404, "queue_not_found")


async def test_what_no_queue_can_be(api: httpx.AsyncClient, org: Org, sessions: Sessions) -> None:
    stranger = await make_org(sessions)
    refused = [
        body(stranger.user_id),
        body(uuid4()),
        body(name=""),
        body(ring_s=4),
        body(wait_s=1801),
        body(strategy="random"),
        body(then="sing"),
        body(greeting="a\nb"),
        body(patience="x" * 501),
        body(music="loud"),
    ]
    for wanted in refused:
        problem(await api.post(PATH, json=wanted), 400, "invalid_request")


async def test_who_may_change_queues(
    client: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings
) -> None:
    made = data(await api.post(PATH, json=body()), 201)
    for role, status in ((Role.MANAGER, 200), (Role.REP, 403), (Role.SUPERVISOR, 403)):
        member = await add_member(sessions, org, role)
        asker = {"Authorization": f"Bearer {token_of(member, settings)}"}
        answer = await client.put(f"{PATH}/{made['id']}", json=body(), headers=asker)
        assert answer.status_code == status
        data(await client.get(PATH, headers=asker), 200)
    stranger = {"Authorization": f"Bearer {token_of(await make_org(sessions), settings)}"}
    problem(await client.get(f"{PATH}/{made['id']}", headers=stranger), 404, "queue_not_found")


async def test_who_leaves_the_organisation_leaves_its_queues(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    bob = await add_member(sessions, org, Role.REP)
    made = data(await api.post(PATH, json=body(org.user_id, bob.user_id)), 201)
    async with UnitOfWork(sessions, org.id) as unit:
        assert await rep_in_plan(bob.user_id, Then.VOICEMAIL, 30, unit) == QueuePlan(
            "Bob", (InPlan(bob.user_id, "Bob"),), ring_s=30, wait_s=30, then=Then.VOICEMAIL
        )
        await unit.session.execute(delete(Member).where(Member.org_id == org.id, Member.user_id == bob.user_id))
        await unit.commit()
    assert data(await api.get(f"{PATH}/{made['id']}"), 200)["member_ids"] == [str(org.user_id)]
    async with UnitOfWork(sessions, org.id) as unit:
        assert await rep_in_plan(bob.user_id, Then.VOICEMAIL, 30, unit) is None
        assert await queue_in_plan(uuid4(), unit) is None
