"""Watches how many events could not be applied."""

from typing import Final

import structlog

from crm.jobs.port import Args, Queue, Task
from crm.recovery.store import DeadLetterStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work

log = structlog.get_logger()


async def _watch(work: Work, _args: Args) -> None:
    async with UnitOfWork(work.sessions) as unit:
        dead = await DeadLetterStore(unit).count()
    if dead > work.dead_letters_max:
        # Critical: whoever is on call is to see it (docs/runbooks/dead-letters.md).
        log.critical("events.many_dead_letters", dead=dead, most=work.dead_letters_max)


# Tried again although the next one comes soon: a database that is away for a moment leaves no dead job behind.
WATCH: Final = Task("recovery.watch", _watch, queue=Queue.CRITICAL, tries_max=3, cron="*/5 * * * *")
TASKS: Final = (WATCH,)
