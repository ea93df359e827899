"""The nightly job that forgets what was kept for a while only, organisation by organisation.

What is billed, said or recorded has rules of its own (crm.billing.archive, crm.calls.erasure); here is what helps for
some days or weeks and would otherwise grow for ever, with personal data in it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select

from crm.billing.replay import DUTIES_MAX, organisations_after
from crm.database import utc_now
from crm.idempotency.model import IdempotencyKey
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.mail.model import PostedLetter
from crm.unit_of_work import UnitOfWork
from crm.webhooks.model import Delivery
from crm.work import Work

Rows = type[IdempotencyKey] | type[Delivery] | type[PostedLetter]

# Clients try again within minutes; a week is enough for one that was off over the holidays.
KEYS_KEPT: Final = timedelta(days=7)
# Counted from the last word about them: those that wait are tried for three days.
DELIVERIES_KEPT: Final = timedelta(days=30)
# A letter that could not be posted lies with the dead jobs, which are kept for thirty days.
LETTERS_KEPT: Final = timedelta(days=90)
BATCH: Final = 5_000
# Many old rows are forgotten by several jobs, so that other work is not held up.
SLICE_S: Final = 20.0


def old(now: datetime) -> Mapping[Rows, ColumnElement[bool]]:
    """Return which rows of each table are to be forgotten at that moment."""
    return {
        IdempotencyKey: IdempotencyKey.created_at < now - KEYS_KEPT,
        Delivery: Delivery.done_at < now - DELIVERIES_KEPT,
        PostedLetter: PostedLetter.created_at < now - LETTERS_KEPT,
    }


async def forget_batch(now: datetime, unit: UnitOfWork) -> int:
    """Delete up to BATCH old rows of each table in the caller's transaction; return how many the largest batch had."""
    most = 0
    for rows, is_old in old(now).items():
        some = select(rows.id).where(rows.org_id == unit.org_id, is_old).limit(BATCH)
        gone = await unit.session.scalars(
            delete(rows).where(rows.org_id == unit.org_id, rows.id.in_(some)).returning(rows.id)
        )
        most = max(most, len(gone.all()))
    return most


async def _forget(work: Work, args: Args) -> None:
    now, until = utc_now(), monotonic() + SLICE_S
    after = UUID(str(args["after"])) if args.get("after") else None
    while orgs := await organisations_after(work.sessions, after, DUTIES_MAX):
        for org_id in orgs:
            forgotten = BATCH
            while forgotten == BATCH:
                async with UnitOfWork(work.sessions, org_id) as unit:
                    forgotten = await forget_batch(now, unit)
                    behind = after if forgotten == BATCH else org_id
                    over = monotonic() > until
                    if over:
                        await JOBS.defer(unit, FORGET, {"after": str(behind) if behind is not None else None})
                    await unit.commit()
                if over:
                    return
            after = org_id


FORGET: Final = Task("forgetting.forget", _forget, tries_max=3, cron="13 4 * * *")
TASKS: Final = (FORGET,)
