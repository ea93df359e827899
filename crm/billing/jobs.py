"""The jobs of billing: ledgers are replayed and old postings put away each night; whether credits come to an end."""

from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from crm.billing.alerts import WATCH
from crm.billing.archive import BATCH, put_away, put_away_before
from crm.billing.replay import DUTIES_MAX, least_lately, organisations_after, replay_and_note
from crm.database import utc_now
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.unit_of_work import UnitOfWork
from crm.work import Work

AGAIN: Final = timedelta(hours=20)
# Old postings of many organisations are put away by several jobs, so that other work is not held up.
SLICE_S: Final = 20.0

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


async def _put_away(work: Work, args: Args) -> None:
    """Put away what is older than a year, one organisation after another, and leave the rest to the next job."""
    before, until = put_away_before(utc_now()), monotonic() + SLICE_S
    after = UUID(str(args["after"])) if args.get("after") else None
    while orgs := await organisations_after(work.sessions, after, DUTIES_MAX):
        for org_id in orgs:
            moved = BATCH
            while moved == BATCH:
                async with UnitOfWork(work.sessions, org_id) as unit:
                    moved = await put_away(before, unit)
                    behind = after if moved == BATCH else org_id
                    over = moved > 0 and monotonic() > until
                    if over:
                        await JOBS.defer(unit, PUT_AWAY, {"after": str(behind) if behind is not None else None})
                    await unit.commit()
                if over:
                    return
            after = org_id


REPLAY: Final = Task("billing.replay", _replay, tries_max=3, cron="23 3 * * *")
PUT_AWAY: Final = Task("billing.put_away", _put_away, cron="53 3 * * *")
TASKS: Final = (REPLAY, PUT_AWAY, WATCH)
