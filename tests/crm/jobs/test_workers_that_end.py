"""Workers that are told to stop, lose their database or are killed: what they were at is done by another."""

import asyncio
import os
import secrets
import signal
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from crm.jobs.jobs import WORKER_DIED, take_up
from crm.jobs.port import Args, Task
from crm.jobs.running import do_jobs_until, do_what_waits
from crm.jobs.store import JobStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.jobs.desk import Diary, noting, put, status_of, tasks

WAIT_S = 20


async def test_a_worker_that_is_told_to_stop_gives_its_job_back(
    work: Work, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.jobs.running.STOP_S", 0.05)
    stop = asyncio.Event()

    async def run(_work: Work, _args: Args) -> None:
        diary.write("began")
        await asyncio.Event().wait()

    endless = Task(f"test.{secrets.token_hex(4)}", run, tries_max=1)
    await put(work, endless)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        group.create_task(do_jobs_until(stop, work, tasks(endless)))
        await diary.changed.wait()
        stop.set()
    assert await status_of(work, endless) == [("todo", 1)]


async def test_postgres_that_drops_all_connections_is_outlived(
    work: Work, diary: Diary, postgres: PostgresAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.jobs.running.PAUSE_S", 0.05)
    monkeypatch.setattr("crm.jobs.running.POLL_S", 0.05)
    stop = asyncio.Event()
    task = noting(diary)
    await put(work, task, "before")
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        group.create_task(do_jobs_until(stop, work, tasks(task)))
        await diary.changed.wait()
        diary.changed.clear()
        admin = make_url(postgres.admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'salesos-jobs'"
            )
        await put(work, task, "after")
        while "after" not in diary.lines:
            await diary.changed.wait()
            diary.changed.clear()
        stop.set()
    assert diary.lines == ["before", "after"]


DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from crm.database import open_engine, open_sessions
from crm.jobs.port import Task
from crm.jobs.running import do_what_waits
from tests.crm.jobs.desk import work_of

async def run(work, args):
    Path(sys.argv[3]).write_text("began")
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    engine = open_engine(sys.argv[1])
    await do_what_waits(work_of(open_sessions(engine), sys.argv[1], None), {sys.argv[2]: Task(sys.argv[2], run)})

asyncio.run(main())
"""


async def test_a_worker_killed_at_its_job_leaves_it_to_another(
    work: Work, diary: Diary, postgres: PostgresAddresses, tmp_path: Path
) -> None:
    """kill -9 of a real process; a job that kills whoever does it ends with the dead letters."""
    task = noting(diary, tries_max=3)
    await put(work, task)
    began = tmp_path / "began"
    repository = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, postgres.app_url, task.name, str(began),
        cwd=repository, env=os.environ | {"PYTHONPATH": str(repository)},
    )  # fmt: skip
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL
    assert began.exists()
    assert await status_of(work, task) == [("doing", 0)]

    assert await taken_up(work, task) == 0, "it may still be at it"
    await fall_silent(work)
    assert await taken_up(work, task) == 1
    assert await status_of(work, task) == [("todo", 1)]
    await do_what_waits(work, tasks(task))
    assert diary.lines == ["done"]


async def test_a_job_that_kills_its_workers_lies_with_the_dead(work: Work, diary: Diary) -> None:
    task = noting(diary, tries_max=2)
    await put(work, task)
    for _ in range(2):
        async with UnitOfWork(work.sessions) as unit:
            await unit.session.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'"))
            await unit.commit()
        assert await taken_up(work, task) == 1
    async with UnitOfWork(work.sessions) as unit:
        (dead,) = await JobStore(unit).dead(None, before=None, limit=10)
    assert (dead.task, dead.error, dead.tries) == (task.name, WORKER_DIED, 2)


async def taken_up(work: Work, task: Task) -> int:
    async with UnitOfWork(work.sessions) as unit:
        taken = await take_up(unit, {task.name: task.tries_max})
        await unit.commit()
    return taken


async def fall_silent(work: Work) -> None:
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"))
        await unit.commit()
