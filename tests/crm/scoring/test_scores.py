"""Scores of leads through the API and the jobs, as calls, people, files and new weights change them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text, update

from config.settings import Settings
from crm.appointments.model import Appointment
from crm.call_events import EventConsumer
from crm.consents.model import Channel
from crm.database import Sessions, utc_now
from crm.jobs.running import do_what_waits
from crm.leads.model import Lead
from crm.outbox.jobs import HAND_OUT
from crm.permissions import Role
from crm.resources import Resources
from crm.scoring import jobs
from crm.scoring.jobs import ask_for_scores
from crm.unit_of_work import UnitOfWork
from tests.crm.call_story import EAGER, lead_of
from tests.crm.conftest import Org, become
from tests.crm.fake_node import CallScript, publish
from tests.crm.jobs.desk import work_of
from tests.crm.test_api import data, problem

# Only these: what other tests of the database's put in is not this one's to do.
TASKS = {task.name: task for task in (*jobs.TASKS, HAND_OUT)}
CEO = {"title": "CEO", "employees": 5_000}
PATH = "/api/settings/scoring"

Rescored = Callable[[], Awaitable[None]]


@pytest.fixture
def rescored(sessions: Sessions, settings: Settings, redis: Redis) -> Rescored:
    """What a worker does with all jobs of scores that wait."""

    async def do() -> None:
        await do_what_waits(work_of(sessions, settings.need("database_url"), redis), TASKS)

    return do


async def one(api: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    return dict(data(await api.post("/api/leads", json={"name": "Ana"} | fields), 201))


async def read(api: httpx.AsyncClient, lead_id: object) -> dict[str, Any]:
    return dict(data(await api.get(f"/api/leads/{lead_id}")))


async def test_a_lead_is_scored_by_what_is_known_of_it(api: httpx.AsyncClient, rescored: Rescored) -> None:
    made = await one(api, custom_fields=CEO)
    assert (made["score"], made["score_set_by"], made["version"]) == (0, None, 1)
    await rescored()
    found = await read(api, made["id"])
    assert (found["score"], found["score_set_by"], found["version"]) == (30, None, 2)
    assert found["updated_at"] == made["updated_at"], "to be scored is no change that anybody made"
    listed = data(await api.get("/api/leads?sort=score&limit=1"))
    assert listed[0]["id"] == made["id"]

    body = {name: found[name] for name in ("name", "custom_fields", "score")} | {"custom_fields": {"title": [None]}}
    data(await api.put(f"/api/leads/{made['id']}", json=body))
    await rescored()
    assert (await read(api, made["id"]))["score"] == 0, "sent back as it was read, the score is nobody's wish"


async def test_a_call_and_its_meeting_raise_the_score(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, redis: Redis, org: Org, rescored: Rescored
) -> None:
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    await rescored()
    told = data(await api.get(f"/api/leads/{org.lead_id}/score"))
    assert (told["score"], told["computed"], told["set_by"]) == (49, 49, None)
    assert told["engagement"] == {
        "points": 70,
        "weight": 0.7,
        "parts": [
            {"name": "meeting", "points": 60, "reason": "agreed to what the call was for"},
            {"name": "answered", "points": 10, "reason": "answered 1 of our calls"},
        ],
    }
    assert [part["points"] for part in told["profile"]["parts"]] == [0, 0]
    assert data(await api.get(f"/api/leads/{org.lead_id}/timeline?kind=change"))["items"][0]["details"] == {
        "changes": {"score": [0, 49]},
        "by": None,
        "by_id": None,
    }


async def test_a_meeting_that_is_cancelled_counts_no_more(
    api: httpx.AsyncClient, org: Org, sessions: Sessions, rescored: Rescored
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        made = Appointment(org_id=org.id, lead_id=org.lead_id, starts_at=utc_now(), minutes=30, title="")
        unit.session.add(made)
        await unit.session.flush()
        await ask_for_scores(unit, org.lead_id)
        await unit.commit()
    await rescored()
    assert (await read(api, org.lead_id))["score"] == 42
    data(await api.post(f"/api/appointments/{made.id}/cancel"))
    await rescored()
    assert (await read(api, org.lead_id))["score"] == 0


async def test_a_score_set_by_hand_stays_until_it_is_given_back(
    api: httpx.AsyncClient, org: Org, rescored: Rescored
) -> None:
    made = await one(api, custom_fields=CEO, score=77)
    assert (made["score"], made["score_set_by"]) == (77, str(org.user_id))
    await rescored()
    path = f"/api/leads/{made['id']}/score"
    told = data(await api.get(path))
    assert (told["score"], told["computed"], told["set_by"]) == (77, 30, str(org.user_id))
    assert told["set_at"]

    answer = await api.put(path, json={"score": 5}, headers={"If-Match": '"1"'})
    assert data(answer)["score"] == 5
    assert answer.headers["ETag"] == '"2"'
    problem(await api.delete(path, headers={"If-Match": '"1"'}), 412, "version_changed")
    assert data(await api.delete(path))["score"] == 30
    found = await read(api, made["id"])
    assert (found["score"], found["score_set_by"], found["score_set_at"]) == (30, None, None)

    for wrong in ({"score": 101}, {"score": -1}, {"score": None}, {}):
        problem(await api.put(path, json=wrong), 400, "invalid_request")
    for method in ("GET", "PUT", "DELETE"):
        body = {"score": 1} if method == "PUT" else None
        problem(await api.request(method, f"/api/leads/{uuid4()}/score", json=body), 404, "lead_not_found")


async def test_new_weights_hold_for_all_leads(
    api: httpx.AsyncClient, org: Org, rescored: Rescored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    ids = [(await one(api, custom_fields=CEO))["id"] for _ in range(5)]
    by_hand = (await one(api, custom_fields=CEO, score=9))["id"]
    await rescored()
    assert data(await api.get(PATH)) == {"profile": 0.3, "engagement": 0.7, "title_field": "", "size_field": ""}
    data(await api.put(PATH, json={"profile": 0.6, "engagement": 0.4, "size_field": "nothing"}))
    # Each job leaves what is behind its first batch to the next.
    monkeypatch.setattr(jobs, "SLICE_S", -1.0)
    await rescored()
    assert [(await read(api, lead_id))["score"] for lead_id in ids] == [36] * 5
    assert (await read(api, by_hand))["score"] == 9


async def test_weights_that_make_no_sense_are_refused(api: httpx.AsyncClient, org: Org, resources: Resources) -> None:
    for wrong in (
        {"profile": 0.5, "engagement": 0.6},
        {"profile": 2, "engagement": -1},
        {"profile": "x"},
        {"other": 1},
    ):
        problem(await api.put(PATH, json=wrong), 400, "invalid_request")
    await become(Role.MANAGER, org, resources)
    problem(await api.put(PATH, json={"profile": 0.5, "engagement": 0.5}), 403, "forbidden")


async def test_whoever_wants_no_calls_has_no_score(api: httpx.AsyncClient, rescored: Rescored) -> None:
    made = await one(api, custom_fields=CEO, phone="+12025550177")
    await rescored()
    proof = {"channel": Channel.PHONE.value, "source": "letter", "evidence": "asked in writing"}
    data(await api.post(f"/api/leads/{made['id']}/refusals", json=proof), 201)
    await rescored()
    told = data(await api.get(f"/api/leads/{made['id']}/score"))
    assert (told["score"], told["why_zero"]) == (0, "asked not to be called")


async def test_a_lead_that_is_held_is_waited_for_alone(
    sessions: Sessions, settings: Settings, redis: Redis, org: Org
) -> None:
    work = work_of(sessions, settings.need("database_url"), redis)
    async with UnitOfWork(sessions, org.id) as unit:
        second = Lead(org_id=org.id, name="B", custom_fields=CEO)
        unit.session.add(second)
        await unit.session.flush()
        second_id = second.id
        await unit.commit()
    async with asyncio.TaskGroup() as tasks, UnitOfWork(sessions, org.id) as holding:
        held = (await holding.session.scalars(select(Lead).where(Lead.id == org.lead_id).with_for_update())).one()
        held.custom_fields = CEO
        await holding.session.flush()
        scoring = tasks.create_task(jobs.rescore([org.lead_id, second_id], org.id, work), name="test.rescore")
        for _ in range(500):
            if await _score(sessions, org, second_id) == 30:
                break
            await asyncio.sleep(0.02)
        assert not scoring.done(), "the other one is scored, and this one waited for"
        await holding.commit()
    assert (await lead_of(sessions, org)).score == 30


async def test_what_no_job_was_put_in_for_is_found_at_night(
    sessions: Sessions, settings: Settings, redis: Redis, org: Org, rescored: Rescored
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(Lead).where(Lead.id == org.lead_id).values(score_due=False))
        # Whoever changes it, in whatever way.
        changed = text("UPDATE leads SET custom_fields = CAST(:fields AS jsonb) WHERE id = :id")
        await unit.session.execute(changed, {"fields": '{"title": "CEO"}', "id": org.lead_id})
        await unit.commit()
    await jobs.SWEEP.run(work_of(sessions, settings.need("database_url"), redis), {})
    await rescored()
    lead = await lead_of(sessions, org)
    assert (lead.score, lead.score_due) == (18, False)


async def _score(sessions: Sessions, org: Org, lead_id: object) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        return (await unit.session.get_one(Lead, (org.id, lead_id))).score


async def test_what_a_lead_writes_to_us_counts_and_what_we_write_does_not(
    api: httpx.AsyncClient, org: Org, rescored: Rescored
) -> None:
    made = await one(api)
    begun = {"lead_id": made["id"], "channel": "chat"}
    path = f"/api/conversations/{data(await api.post('/api/conversations', json=begun), 201)['id']}/messages"
    data(await api.post(path, json={"role": "assistant", "content": "Hello"}), 201)
    data(await api.post(path, json={"role": "system", "content": "asks a lot"}), 201)
    await rescored()
    assert (await read(api, made["id"]))["score"] == 0
    for words in ("Hello", "What does it cost?"):
        data(await api.post(path, json={"role": "user", "content": words}), 201)
    await rescored()
    told = data(await api.get(f"/api/leads/{made['id']}/score"))
    assert (told["score"], told["engagement"]["parts"]) == (
        14,
        [{"name": "messages", "points": 20, "reason": "wrote to us 2 times"}],
    )
