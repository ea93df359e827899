"""The jobs of billing: replaying ledgers each night, and looking whether credits come to an end."""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from crm.billing.alerts import WATCH
from crm.billing.replay import DUTIES_MAX, least_lately, replay_and_note
from crm.database import utc_now
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.unit_of_work import UnitOfWork
from crm.work import Work

AGAIN: Final = timedelta(hours=20)

log = structlog.get_logger()


async def _replay(work: Work, _args: Args) -> None:
    due = await least_lately(work.sessions, utc_now() - AGAIN)
    skipped = 0
    for org_id in due:
        try:
            await replay_and_note(org_id, work.sessions)
        except DBAPIError as error:
            # One that takes too long, or cannot be read, keeps none of the others from being replayed.
            skipped += 1
            log.error("ledger.not_replayed", org_id=str(org_id), error=type(error).__name__)
    if len(due) == DUTIES_MAX and skipped < len(due):
        async with UnitOfWork(work.sessions) as unit:
            await JOBS.defer(unit, REPLAY, {}, key="billing.replay")
            await unit.commit()


REPLAY: Final = Task("billing.replay", _replay, tries_max=3, cron="23 3 * * *")
TASKS: Final = (REPLAY, WATCH)
