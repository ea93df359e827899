"""The queue's own jobs: taking up what a dead worker left, and clearing away what is old."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog

from crm.database import utc_now
from crm.jobs.port import Args, Queue, Task
from crm.jobs.store import JobStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work

WORKER_DIED: Final = "WorkerDied"

log = structlog.get_logger()


async def take_up(unit: UnitOfWork, tries_max: Mapping[str, int]) -> int:
    """Let jobs of dead workers be done by another, in the caller's transaction; return how many there were.

    A job that its worker died of as often as it may fail lies with the dead letters: it would kill the next one.
    """
    store = JobStore(unit)
    left = await store.left_behind()
    for job in left:
        if job.attempts + 1 < tries_max.get(job.task_name, 1):
            await store.do_again(job.id)
            continue
        await store.give_up(job.id)
        await store.note_failure(job.id, org_of(job.args), WORKER_DIED, [])
        log.error("job.dead", task=job.task_name, job_id=job.id, error=WORKER_DIED)
    return len(left)


def org_of(args: Mapping[str, object]) -> UUID | None:
    named = args.get("org_id")
    return UUID(named) if isinstance(named, str) else None


async def _tidy(work: Work, _args: Args) -> None:
    async with UnitOfWork(work.sessions) as unit:
        store = JobStore(unit)
        await store.forget_old(utc_now())
        dead = await store.count_dead()
        await unit.commit()
    if dead > work.dead_letters_max:
        # Critical: whoever is on call is to see it (docs/runbooks/dead-letters.md).
        log.critical("jobs.many_dead_letters", dead=dead, most=work.dead_letters_max)


# Tried again although the next one comes soon: a database that is away for a moment leaves no dead job behind.
TIDY: Final = Task("jobs.tidy", _tidy, queue=Queue.CRITICAL, tries_max=3, cron="*/5 * * * *")
TASKS: Final = (TIDY,)
