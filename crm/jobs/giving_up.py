"""Dead jobs that somebody waits for: what a feature does about its own is a job too, put in when one is found dead.

A feature names it as `when_dead` of its task. It asks `is_dead` first: a person may have revived the job since.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select

from crm.identity.model import User
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.jobs.store import JobStore
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.unit_of_work import UnitOfWork

AT_ONCE: Final = 100


async def put_in_notices(unit: UnitOfWork, tasks: Mapping[str, Task]) -> int:
    """Have done what is to be done about dead jobs, in the caller's transaction; return how many there were."""
    store = JobStore(unit)
    dead = await store.untold([name for name, task in tasks.items() if task.when_dead is not None], AT_ONCE)
    for job in dead:
        notice = tasks[job.task_name].when_dead
        assert notice is not None, "asked for above"
        await JOBS.defer(unit, notice, job.args | {"job_id": job.id}, key=f"when_dead:{job.id}")
        await store.mark_told(job.id)
    return len(dead)


async def is_dead(args: Args, unit: UnitOfWork) -> bool:
    """Say whether the job that a notice is about is still dead, and keep it so until the transaction ends."""
    return await JobStore(unit).is_dead(int(args["job_id"] or 0))


async def tell_who_asked(user_id: UUID | None, subject: str, text: str, args: Args, unit: UnitOfWork) -> None:
    """Post a letter to whoever asked for what a dead job was to do, once for the job, in the caller's transaction."""
    person = await unit.session.scalar(select(User.email).where(User.id == user_id))
    if person is not None:
        await MAIL.send(unit, Letter(person, subject, text), key=f"when_dead:{args['job_id']}")
