"""The jobs that look for leads which may be one person, and that empty old merges.

The search may be repeated from its beginning at any time: a pair is suggested once.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from crm.duplicates.likeness import Candidate, Likeness, Neighbourhood
from crm.duplicates.model import Merge
from crm.duplicates.store import DuplicateStore, Walk
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.unit_of_work import UnitOfWork
from crm.work import Work

PAGE: Final = 2_000
# Of one search: nobody looks through more, and the most of them come up again.
SUGGESTED_MAX: Final = 10_000
WALKS: Final[tuple[Walk, ...]] = ("phone", "email", "name")
Pair = tuple[UUID, UUID, Likeness]

log = structlog.get_logger()


async def _suggest(work: Work, args: Args) -> None:
    org_id = UUID(str(args["org_id"]))
    suggested = 0
    for by in WALKS:
        near, behind = Neighbourhood(), None
        while suggested < SUGGESTED_MAX:
            async with UnitOfWork(work.sessions, org_id) as unit:
                leads = await DuplicateStore(unit).walk(by, behind, PAGE)
            pairs = await asyncio.to_thread(_compared, near, leads)
            if pairs:
                async with UnitOfWork(work.sessions, org_id) as unit:
                    await DuplicateStore(unit).suggest(pairs)
                    await unit.commit()
            suggested += len(pairs)
            if len(leads) < PAGE:
                break
            behind = (str(getattr(leads[-1], by)), leads[-1].id)
    log.info("duplicates.suggested", found=suggested)


def _compared(near: Neighbourhood, leads: Sequence[Candidate]) -> list[Pair]:
    return [(lead.id, other.id, found) for lead in leads for other, found in near.take(lead)]


async def _forget(work: Work, args: Args) -> None:
    """Too late to undo: what is left of the lead that is gone goes too."""
    org_id, merge_id = UUID(str(args["org_id"])), UUID(str(args["merge_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        made = await unit.session.get(Merge, (org_id, merge_id), with_for_update=True)
        if made is not None:
            made.gone, made.before, made.after, made.moved = {}, {}, {}, {}
        await unit.commit()


async def put_in_search(unit: UnitOfWork) -> None:
    """Have the organisation's leads compared, in the caller's transaction; one search waits at a time."""
    key = f"duplicates:{unit.org_id}"
    await JOBS.defer(unit, SUGGEST, {"org_id": str(unit.org_id)}, key=key, lock=key)


SUGGEST: Final = Task("duplicates.suggest", _suggest)
FORGET: Final = Task("duplicates.forget", _forget)
TASKS: Final = (SUGGEST, FORGET)
