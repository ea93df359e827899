"""A job that fails for good, and what is done about it, with the tasks of the product."""

from sqlalchemy import text

from crm.jobs.giving_up import put_in_notices
from crm.jobs.registry import TASKS
from crm.jobs.running import do_what_waits
from crm.jobs.store import JobStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work

DIE = text("UPDATE procrastinate_jobs SET attempts = :tries WHERE task_name = :task AND status = 'todo'")


async def fail_for_good(work: Work, task: str) -> int:
    """Do the waiting job of a task as one that has no try left; return its number when what follows is done."""
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(DIE, {"task": task, "tries": TASKS[task].tries_max - 1})
        await unit.commit()
    await do_what_waits(work, {task: TASKS[task]})
    async with UnitOfWork(work.sessions) as unit:
        (dead,) = [job for job in await JobStore(unit).dead(None, before=None, limit=10) if job.task == task]
        await put_in_notices(unit, TASKS)
        await unit.commit()
    notice = TASKS[task].when_dead
    assert notice is not None
    await do_what_waits(work, {notice.name: notice})
    return dead.id


async def no_jobs(work: Work) -> None:
    """Take away what other tests left in the queue."""
    async with UnitOfWork(work.sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
