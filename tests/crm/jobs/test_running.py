"""The queue on a real Postgres: what is put in is done, once, in order of its queue, and what fails is kept.

The queue is shared by the whole database, so each test names its tasks anew.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import httpx
from sqlalchemy import text

from crm.database import utc_now
from crm.jobs.giving_up import is_dead, put_in_notices
from crm.jobs.port import Args, Queue, Task
from crm.jobs.queue import JOBS
from crm.jobs.registry import TASKS
from crm.jobs.running import WORKERS, do_jobs_until, do_what_waits
from crm.jobs.store import JobStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from tests.crm.conftest import Org
from tests.crm.jobs.desk import Diary, make_due, noting, put, status_of, tasks
from tests.crm.test_api import data, problem

WAIT_S = 20


async def test_what_is_rolled_back_is_never_done(work: Work, diary: Diary) -> None:
    task = noting(diary)
    async with UnitOfWork(work.sessions) as unit:
        await JOBS.defer(unit, task, {"say": "lost"})
    await put(work, task, "kept")
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["kept"]


async def test_the_critical_queue_is_emptied_first(work: Work, diary: Diary) -> None:
    low, high = noting(diary), noting(diary, queue=Queue.CRITICAL)
    for number in range(6):
        await put(work, low, f"low {number}")
    await put(work, high, "high")
    await do_what_waits(work, tasks(low, high))
    assert diary.lines[0] == "high"
    assert len(diary.lines) == 7


async def test_what_waits_for_others_or_takes_long_holds_nothing_up(work: Work, diary: Diary) -> None:
    """A customer's server that hangs, and files that take minutes: more of them than are done at once."""
    stop = asyncio.Event()

    async def hang(_work: Work, _args: Args) -> None:
        await stop.wait()

    slow = [Task(f"test.{secrets.token_hex(4)}", hang, queue=queue) for queue in (Queue.OUTSIDE, Queue.LONG)]
    usual = noting(diary)
    for task in slow:
        for _ in range(max(at_once for _, at_once in WORKERS.values()) + 1):
            await put(work, task)
    await put(work, usual)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        group.create_task(do_jobs_until(stop, work, tasks(usual, *slow)))
        await diary.changed.wait()
        begun = [(await status_of(work, task)).count(("doing", 0)) for task in slow]
        stop.set()
    assert diary.lines == ["done"]
    assert [count <= at_once for count, at_once in zip(begun, (8, 2), strict=True)] == [True, True]


def test_every_queue_has_its_worker() -> None:
    served = {queue for queues, _ in WORKERS.values() for queue in queues}
    assert served == set(Queue)
    assert (TASKS["webhooks.deliver"].queue, TASKS["exports.write"].queue) == (Queue.OUTSIDE, Queue.LONG)


async def test_one_of_a_key_waits_and_one_more_may_while_it_is_being_done(work: Work, diary: Diary) -> None:
    again = Task("", noting(diary).run)

    async def run(doing: Work, args: Args) -> None:
        if args["say"] == "first":
            await put(doing, again, "second", key="k")
            await put(doing, again, "third", key="k")
        diary.write(str(args["say"]))

    again = Task(f"test.{secrets.token_hex(4)}", run)
    await put(work, again, "first", key="k")
    await put(work, again, "not put in", key="k")
    await do_what_waits(work, tasks(again))
    assert diary.lines == ["first", "second"]


async def test_a_job_with_a_key_that_fails_waits_beside_a_newer_one(work: Work, diary: Diary) -> None:
    """The library keeps the key for a job that goes back to waiting, which two of one key cannot."""
    failing = Task("", noting(diary).run)

    async def run(doing: Work, args: Args) -> None:
        if args["say"] == "first" and not diary.lines:
            await put(doing, failing, "second", key="twice")
            diary.write("failed")
            raise ConnectionResetError
        diary.write(str(args["say"]))

    failing = Task(f"test.{secrets.token_hex(4)}", run)
    await put(work, failing, "first", key="twice")
    await do_what_waits(work, tasks(failing))
    await make_due(work)
    await do_what_waits(work, tasks(failing))
    assert diary.lines == ["failed", "second", "first"]


async def test_nothing_is_done_before_its_time(work: Work, diary: Diary) -> None:
    task = noting(diary)
    await put(work, task, at=utc_now() + timedelta(hours=1))
    await do_what_waits(work, tasks(task))
    assert diary.lines == []
    await make_due(work)
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["done"]


async def test_a_job_that_fails_is_tried_again_later(work: Work, diary: Diary) -> None:
    task = noting(diary, fails=1)
    await put(work, task)
    await do_what_waits(work, tasks(task))
    assert await status_of(work, task) == [("todo", 1)]
    await make_due(work)
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["failed", "done"]
    assert await status_of(work, task) == [("succeeded", 2)]


async def test_the_dead_are_seen_by_their_organisation_and_tried_again(
    work: Work, diary: Diary, api: httpx.AsyncClient, org: Org, client: httpx.AsyncClient
) -> None:
    task = noting(diary, fails=2, tries_max=2)
    async with UnitOfWork(work.sessions, org.id) as unit:
        await JOBS.defer(unit, task, {"org_id": str(org.id), "say": "done"})
        await unit.commit()
    await put(work, noting(diary))  # another's, of no task that this worker knows
    for _ in range(2):
        await do_what_waits(work, tasks(task))
        await make_due(work)
    (dead,) = data(await api.get("/api/jobs/dead"))
    assert (dead["task"], dead["tries"], dead["error"]) == (task.name, 2, "ConnectionResetError")
    assert "somebody" not in str(dead), "the text of a fault may hold names"

    job = dead["id"]
    problem(await client.get("/api/jobs/dead"), 401, "not_signed_in")
    problem(await api.post(f"/api/jobs/dead/{job + 1_000_000}/retry"), 404, "dead_job_not_found")
    data(await api.post(f"/api/jobs/dead/{job}/retry"), 202)
    problem(await api.post(f"/api/jobs/dead/{job}/retry"), 404, "dead_job_not_found")
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["failed", "failed", "done"]
    assert data(await api.get("/api/jobs/dead")) == []


async def test_the_operator_sees_all_the_dead_with_where_they_failed(
    work: Work, diary: Diary, client: httpx.AsyncClient
) -> None:
    task = noting(diary, fails=1, tries_max=1)
    await put(work, task)
    await do_what_waits(work, tasks(task))
    problem(await client.get("/internal/jobs/dead"), 401, "not_signed_in")
    ours = {"Authorization": "Bearer development-only-secret-change-me-0000"}
    (dead,) = data(await client.get("/internal/jobs/dead", headers=ours))
    assert dead["org_id"] is None
    assert dead["trace"][-1].endswith(" run")
    data(await client.post(f"/internal/jobs/dead/{dead['id']}/retry", headers=ours), 202)
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["failed", "done"]


async def test_what_is_to_be_done_about_a_dead_job_is_put_in_once(work: Work, diary: Diary) -> None:
    notice = noting(diary)
    task = replace(noting(diary, fails=2, tries_max=1), when_dead=notice)
    await put(work, task, "told")
    known = tasks(task, notice)
    for _ in range(2):
        assert await noticed(work, known) == 0, "it may be done yet"
        await do_what_waits(work, known)
        assert [await noticed(work, known) for _ in range(2)] == [1, 0]
        await do_what_waits(work, known)
        async with UnitOfWork(work.sessions) as unit:
            (dead,) = await JobStore(unit).dead(None, before=None, limit=10)
            assert await is_dead({"job_id": dead.id}, unit)
            # Revived, it may die again, and is told of again.
            await JobStore(unit).revive(dead.id, None)
            assert not await is_dead({"job_id": dead.id}, unit)
            await unit.commit()
    assert diary.lines == ["failed", "told", "failed", "told"]


async def test_a_dead_job_whose_fault_was_never_noted_is_told_of_too(work: Work, diary: Diary) -> None:
    """The database was away just then."""
    notice = noting(diary)
    task = replace(noting(diary, fails=1, tries_max=1), when_dead=notice)
    await put(work, task)
    await do_what_waits(work, tasks(task))
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("DELETE FROM job_failures"))
        await unit.commit()
    assert [await noticed(work, tasks(task, notice)) for _ in range(2)] == [1, 0]


async def noticed(work: Work, known: Mapping[str, Task]) -> int:
    async with UnitOfWork(work.sessions) as unit:
        found = await put_in_notices(unit, known)
        await unit.commit()
    return found


async def test_a_task_that_is_not_known_lies_with_the_dead(work: Work, diary: Diary) -> None:
    """Of a newer release, whose worker has not started: it can be tried again then."""
    gone = noting(diary)
    await put(work, gone)
    await do_what_waits(work, tasks())
    async with UnitOfWork(work.sessions) as unit:
        (dead,) = await JobStore(unit).dead(None, before=None, limit=10)
    assert (dead.task, dead.error) == (gone.name, "unknown")


async def test_two_schedulers_put_a_job_in_once(work: Work, diary: Diary) -> None:
    """Two workers with one table of tasks: each minute's job is done by one of them."""
    every_minute = Task(f"test.{secrets.token_hex(4)}", noting(diary).run, cron="* * * * *")
    stop = asyncio.Event()
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(do_jobs_until(stop, work, tasks(every_minute)))
        await diary.changed.wait()
        # Until the last one's success is written: each look is a round trip.
        while any(status != "succeeded" for status, _ in await status_of(work, every_minute)):
            diary.changed.clear()
        stop.set()
    async with UnitOfWork(work.sessions) as unit:
        moments = await unit.session.scalar(
            text(
                "SELECT count(*) FROM procrastinate_events e JOIN procrastinate_jobs j ON j.id = e.job_id"
                " WHERE j.task_name = :task AND e.type = 'deferred'"
            ),
            {"task": every_minute.name},
        )
    # A minute may have passed meanwhile; then it is one for each.
    assert len(diary.lines) == moments
    assert moments in (1, 2)
