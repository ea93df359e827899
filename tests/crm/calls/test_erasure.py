"""Erased recordings and words: gone for everybody at once, removed once, never back by a late upload."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from obstore.store import ObjectStore
from sqlalchemy import func, select, update

from crm.call_events import EventConsumer
from crm.calls.erased_objects import remove_objects
from crm.calls.erasure import do_one_duty
from crm.calls.model import Call, DeadLetter, Erasure, RecordingDuty
from crm.calls.recordings import open_store
from crm.database import Sessions, utc_now
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import Body, Closed, RecordingStored, Speaker, TurnFinished
from tests.crm.call_story import EAGER, call_of
from tests.crm.conftest import Org, become, make_org
from tests.crm.fake_node import CallScript, publish
from tests.crm.test_api import data, problem


@pytest.fixture(autouse=True)
async def no_duties_of_others(sessions: Sessions) -> None:
    """The worker is to find what this test made."""
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(update(RecordingDuty).values(due_at=utc_now() + timedelta(days=1)))
        await unit.commit()


async def ended(consumer: EventConsumer, script: CallScript, resources: Resources) -> list[str]:
    """Play a whole call with its recording and what a node may have left; return the keys of its objects."""
    prefix = f"recordings/{script.org_id}/{script.call_id}"
    keys = [f"{prefix}.wav", f"{prefix}/000001.seg", f"{prefix}/manifest.json"]
    for key in keys:
        await resources.store.put_async(key, b"RIFF")
    bodies = [_here(body, keys[0]) for body in EAGER]
    await publish(resources.redis, *script.events(bodies))
    await consumer.turn()
    return keys


def _here(body: Body, key: str) -> Body:
    return RecordingStored(f"file:///{key}", key, 2, 14.2, 4, "00") if isinstance(body, RecordingStored) else body


async def left(store: ObjectStore, org_id: UUID) -> list[str]:
    listed: Any = await store.list(f"recordings/{org_id}").collect_async()
    return sorted(str(item["path"]) for item in listed)


async def work(resources: Resources) -> int:
    count = 0
    while await do_one_duty(resources.sessions, resources.store):
        count += 1
        assert count < 10, "a duty that is done is not due again"
    return count


async def erasures(sessions: Sessions, org_id: UUID) -> list[Erasure]:
    async with UnitOfWork(sessions, org_id) as unit:
        return list((await unit.session.scalars(select(Erasure).order_by(Erasure.scope))).all())


async def retain(api: httpx.AsyncClient, days: int | None) -> None:
    assert data(await api.put("/api/settings/recordings", json={"retention_days": days})) == {"retention_days": days}


async def age(sessions: Sessions, script: CallScript, days: float) -> None:
    async with UnitOfWork(sessions, script.org_id) as unit:
        past = utc_now() - timedelta(days=days)
        await unit.session.execute(update(Call).where(Call.id == script.call_id).values(ended_at=past))
        await unit.commit()


async def test_an_erased_recording_is_gone_for_everybody_at_once(
    api: httpx.AsyncClient, client: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources
) -> None:
    await ended(consumer, script, resources)
    path = f"/api/calls/{script.call_id}"
    url = data(await api.get(f"{path}/recording"))["url"]
    first = data(await api.delete(f"{path}/recording"))
    assert (first["scope"], first["reason"]) == ("recording", "request")
    details = problem(await api.get(f"{path}/recording"), 410, "recording_erased")
    assert details == {"reason": "request", "erased_at": first["erased_at"]}
    problem(await client.get(url), 410, "recording_erased")
    told = data(await api.get(path))
    assert (told["recording"], told["erased"]["content_at"]) == (None, None)
    assert [turn["text"] for turn in told["turns"]] == ["hello", "Hello, this is Alex."], "the transcript stays"
    assert data(await api.delete(f"{path}/recording")) == first, "a second time changes nothing"


async def test_its_objects_are_removed_once_and_the_record_stays(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources, org: Org
) -> None:
    keys = await ended(consumer, script, resources)
    other = f"recordings/{org.id}/{uuid4()}.wav"
    await resources.store.put_async(other, b"RIFF")
    await api.delete(f"/api/calls/{script.call_id}/recording")
    assert await left(resources.store, org.id) == sorted([*keys, other])
    assert await work(resources) == 1
    assert await left(resources.store, org.id) == [other]
    (erasure,) = await erasures(resources.sessions, org.id)
    assert (erasure.pending, erasure.removed_objects, erasure.asked_by) == (False, 3, org.user_id)
    assert erasure.removed_at is not None
    assert await work(resources) == 0


async def test_a_late_upload_does_not_bring_it_back(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources, org: Org
) -> None:
    keys = await ended(consumer, script, resources)
    await api.delete(f"/api/calls/{script.call_id}/recording")
    await work(resources)
    await resources.store.put_async(keys[0], b"RIFF")
    late = script.event(RecordingStored(f"file:///{keys[0]}", keys[0], 2, 14.2, 4, "00"))
    await publish(resources.redis, late, script.event(Closed()))
    await consumer.turn()
    problem(await api.get(f"/api/calls/{script.call_id}/recording"), 410, "recording_erased")
    assert await work(resources) == 1
    assert await left(resources.store, org.id) == []
    (erasure,) = await erasures(resources.sessions, org.id)
    assert (erasure.removed_objects, erasure.uploads, erasure.pending) == (4, 1, False)


async def test_an_upload_between_removing_and_writing_it_down_is_not_forgotten(
    api: httpx.AsyncClient,
    consumer: EventConsumer,
    script: CallScript,
    resources: Resources,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = await ended(consumer, script, resources)
    await api.delete(f"/api/calls/{script.call_id}/recording")
    real = remove_objects

    async def raced(*args: Any) -> int:
        removed = await real(*args)
        await resources.store.put_async(keys[0], b"RIFF")
        stored = RecordingStored(f"file:///{keys[0]}", keys[0], 2, 14.2, 4, "00")
        await publish(resources.redis, script.event(stored))
        await consumer.turn()
        return removed

    with monkeypatch.context() as patch:
        patch.setattr("crm.calls.erasure.remove_objects", raced)
        assert await do_one_duty(resources.sessions, resources.store)
    assert await left(resources.store, org.id) == [keys[0]]
    assert await work(resources) >= 1
    assert await left(resources.store, org.id) == []


async def test_a_store_that_is_away_is_tried_again(
    api: httpx.AsyncClient,
    consumer: EventConsumer,
    script: CallScript,
    resources: Resources,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await ended(consumer, script, resources)
    await api.delete(f"/api/calls/{script.call_id}/recording")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # discard: nobody listens there
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("crm.calls.erased_objects.STORE_TIMEOUT_S", 0.5)
    assert await do_one_duty(resources.sessions, open_store("s3://nowhere"))
    (erasure,) = await erasures(resources.sessions, org.id)
    assert erasure.pending
    async with UnitOfWork(resources.sessions) as unit:
        due_at = await unit.session.scalar(select(RecordingDuty.due_at).where(RecordingDuty.org_id == org.id))
        assert due_at is not None
        assert timedelta(0) < due_at - utc_now() <= timedelta(minutes=1)
        await unit.session.execute(update(RecordingDuty).where(RecordingDuty.org_id == org.id).values(due_at=utc_now()))
        await unit.commit()
    await work(resources)
    assert await left(resources.store, org.id) == []


async def test_two_workers_share_the_work(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources, org: Org
) -> None:
    await ended(consumer, script, resources)
    await api.delete(f"/api/calls/{script.call_id}/recording")
    async with asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(do_one_duty(resources.sessions, resources.store)) for _ in range(4)]
    assert sum(worker.result() for worker in workers) == 1
    (erasure,) = await erasures(resources.sessions, org.id)
    assert erasure.removed_objects == 3


async def test_a_worker_that_was_killed_is_followed_by_the_next(
    api: httpx.AsyncClient,
    consumer: EventConsumer,
    script: CallScript,
    resources: Resources,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await ended(consumer, script, resources)
    await api.delete(f"/api/calls/{script.call_id}/recording")

    class Killed(BaseException):
        pass

    async def killed(*args: Any) -> int:
        await remove_objects(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("crm.calls.erasure.remove_objects", killed)
        with pytest.raises(Killed):
            await do_one_duty(resources.sessions, resources.store)
    assert await work(resources) == 0, "leased until the lease ends"
    async with UnitOfWork(resources.sessions) as unit:
        await unit.session.execute(update(RecordingDuty).where(RecordingDuty.org_id == org.id).values(due_at=utc_now()))
        await unit.commit()
    assert await work(resources) == 1
    (erasure,) = await erasures(resources.sessions, org.id)
    assert not erasure.pending


async def test_content_takes_the_words_with_it_and_late_ones_too(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources, org: Org
) -> None:
    await ended(consumer, script, resources)
    async with UnitOfWork(resources.sessions) as unit:
        letter = DeadLetter(org_id=org.id, call_id=script.call_id, stream="s", entry_id="1-1", cause="x", raw=b"words")
        unit.session.add(letter)
        await unit.commit()
    path = f"/api/calls/{script.call_id}"
    before = data(await api.get(path))
    erased = data(await api.delete(f"{path}/content"))
    assert data(await api.delete(f"{path}/content")) == erased
    late = TurnFinished(9, Speaker.CALLER, "late words", "late words", 2_000, 3_000)
    await publish(resources.redis, script.event(late), script.event(Closed()))
    await consumer.turn()
    after = data(await api.get(path))
    assert (after["turns"], after["recording"]) == ([], None)
    assert {key: after[key] for key in ("outcome", "duration_s", "ledger")} == {
        key: before[key] for key in ("outcome", "duration_s", "ledger")
    }
    events = data(await api.get(f"{path}/events"))["events"]
    assert len(events) == len(EAGER) + 2
    told = str(events)
    assert not [word for word in ("hello", "Hello, this", "tomorrow at ten", "late words") if word in told]
    assert [event["body"]["started_ms"] for event in events if event["kind"] == "turn.finished"] == [100, 1120, 2000]
    async with UnitOfWork(resources.sessions) as unit:
        kept = select(func.count(DeadLetter.id)).where(DeadLetter.call_id == script.call_id)
        assert await unit.session.scalar(kept) == 0
    await work(resources)
    assert await left(resources.store, org.id) == []
    assert [erasure.scope for erasure in await erasures(resources.sessions, org.id)] == ["content", "recording"]


@pytest.mark.parametrize("what", ["recording", "content"])
async def test_who_may_not_and_what_may_not_yet(
    api: httpx.AsyncClient,
    script: CallScript,
    resources: Resources,
    sessions: Sessions,
    org: Org,
    what: str,
) -> None:
    problem(await api.delete(f"/api/calls/{script.call_id}/{what}"), 409, "call_live")
    problem(await api.delete(f"/api/calls/{uuid4()}/{what}"), 404, "call_not_found")
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        foreign = (await unit.session.scalars(select(Call.id))).all()
    assert foreign == []
    await become(Role.SUPERVISOR, org, resources)
    problem(await api.delete(f"/api/calls/{script.call_id}/{what}"), 403, "forbidden")
    problem(await api.put("/api/settings/recordings", json={"retention_days": 1}), 403, "forbidden")
    assert await erasures(sessions, org.id) == []


# Retention


async def test_recordings_are_kept_for_so_many_days(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, resources: Resources, org: Org
) -> None:
    keys = await ended(consumer, script, resources)
    assert data(await api.get("/api/settings/recordings")) == {"retention_days": None}
    await retain(api, 30)
    await age(resources.sessions, script, 29.9)
    await work(resources)
    assert await left(resources.store, org.id) == sorted(keys)
    await age(resources.sessions, script, 30.1)
    await retain(api, 30)
    await work(resources)
    assert await left(resources.store, org.id) == []
    details = problem(await api.get(f"/api/calls/{script.call_id}/recording"), 410, "recording_erased")
    assert details["reason"] == "retention"
    (erasure,) = await erasures(resources.sessions, org.id)
    assert (erasure.reason, erasure.asked_by, erasure.removed_objects) == ("retention", None, 3)
    assert (await call_of(resources.sessions, script)).recording is None


async def test_retention_is_looked_at_again_within_the_hour_and_not_before(
    api: httpx.AsyncClient, resources: Resources, org: Org
) -> None:
    await retain(api, 7)
    assert await work(resources) == 1
    async with UnitOfWork(resources.sessions) as unit:
        due_at = await unit.session.scalar(select(RecordingDuty.due_at).where(RecordingDuty.org_id == org.id))
    assert due_at is not None
    assert timedelta(minutes=59) < due_at - utc_now() <= timedelta(hours=1)
    await retain(api, None)


@pytest.mark.parametrize("days", [0, -1, 36_501, "soon", 1.5])
async def test_a_retention_that_means_nothing_is_refused(api: httpx.AsyncClient, days: Any) -> None:
    details = problem(await api.put("/api/settings/recordings", json={"retention_days": days}), 400, "invalid_request")
    assert "retention_days" in str(details["fields"])
