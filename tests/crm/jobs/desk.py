"""A worker's things without its loops, for tests of jobs."""

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from obstore.store import MemoryStore
from redis.asyncio import Redis
from sqlalchemy import text

from config.settings import DEVELOPMENT_SECRET
from crm.database import Sessions
from crm.jobs.port import Args, Queue, Task
from crm.jobs.queue import JOBS
from crm.mail.post import FolderPost, Post
from crm.understanding.after_call import NoteDesk
from crm.unit_of_work import UnitOfWork
from crm.usage.reconcile import Sources
from crm.webhooks.sending import Sender
from crm.work import Work


def work_of(
    sessions: Sessions, database_url: str, redis: Redis, *, post: Post | None = None, webhooks: Sender | None = None
) -> Work:
    """Return what jobs get; no test here writes notes, so there is no desk for them."""
    return Work(
        sessions=sessions,
        database_url=database_url,
        redis=redis,
        store=MemoryStore(),
        notes=cast(NoteDesk, None),
        post=post or FolderPost(Path("letters"), "salesos@example.com"),
        webhooks=webhooks or Sender(),
        secret_key=DEVELOPMENT_SECRET,
        usage=Sources({}, cast(Path | None, None), 0.05),
    )


class Diary:
    """What jobs of a test did, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changed = asyncio.Event()

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.changed.set()


def noting(diary: Diary, *, queue: Queue = Queue.DEFAULT, tries_max: int = 5, fails: int = 0) -> Task:
    """A task that writes its args down, after failing so many times."""
    left = fails

    async def run(_work: Work, args: Args) -> None:
        nonlocal left
        if left:
            left -= 1
            diary.write("failed")
            raise ConnectionResetError("somebody's name")
        diary.write(str(args.get("say")))

    return Task(f"test.{secrets.token_hex(4)}", run, queue=queue, tries_max=tries_max)


def tasks(*named: Task) -> Mapping[str, Task]:
    return {task.name: task for task in named}


async def put(work: Work, task: Task, say: str = "done", **how: object) -> None:
    async with UnitOfWork(work.sessions) as unit:
        await JOBS.defer(unit, task, {"say": say}, **how)  # type: ignore[arg-type]  # tests name them right
        await unit.commit()


async def make_due(work: Work) -> None:
    """Let what waits for its next try be tried now."""
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
        await unit.commit()


async def status_of(work: Work, task: Task) -> list[tuple[str, int]]:
    async with UnitOfWork(work.sessions) as unit:
        found = await unit.session.execute(
            text("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = :task ORDER BY id"),
            {"task": task.name},
        )
        return [(status, attempts) for status, attempts in found]
