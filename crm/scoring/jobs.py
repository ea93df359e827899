"""The jobs that work scores out: of leads that changed, of all when the weights did, each night of what was left.

Whatever changes a lead marks it (by a trigger, see the migration), so a job that is lost loses nothing. One job of an
organisation works at a time.
"""

from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import UUID

from crm.billing.replay import organisations_after
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.scoring.rules import score
from crm.scoring.scheme import read_scheme
from crm.scoring.store import ScoreStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work

AT_ONCE: Final = 500  # leads in one transaction
# Many leads are gone through by several jobs, one after the other, so that other work is not held up.
SLICE_S: Final = 20.0
ORGANISATIONS_AT_ONCE: Final = 200


async def ask_for_scores(unit: UnitOfWork, *changed: UUID) -> None:
    """Have the scores of an organisation's marked leads worked out, once the unit's transaction has committed.

    Args:
        changed: leads to mark, where a change is not in their own row.
    """
    if changed:
        await ScoreStore(unit).mark(changed)
    # No key: transactions of one organisation would wait at it for one another.
    await JOBS.defer(unit, DUE, {"org_id": str(unit.org_id)}, lock=_lock(unit.org_id))


async def ask_for_all_scores(unit: UnitOfWork, after: UUID | None = None) -> None:
    """Have all of an organisation's scores worked out, or those behind a lead."""
    args = {"org_id": str(unit.org_id), "after": str(after) if after is not None else None}
    await JOBS.defer(unit, ALL, args, lock=_lock(unit.org_id))


async def rescore(ids: Sequence[UUID], org_id: UUID, work: Work) -> None:
    """Work out some leads' scores, by the weights as they are now.

    A lead that somebody holds just now is waited for only while nothing else is held: calls hold several leads, in
    the order of their events, and neither may wait for the other.
    """
    async with UnitOfWork(work.sessions, org_id) as unit:
        store = ScoreStore(unit)
        held = await store.hold(ids, wait=False)
        await _work_out(held, unit)
        await unit.commit()
    missed = set(ids) - set(held)
    for lead_id in sorted(missed):
        async with UnitOfWork(work.sessions, org_id) as unit:
            await _work_out(await ScoreStore(unit).hold([lead_id], wait=True), unit)
            await unit.commit()


async def _work_out(held: Sequence[UUID], unit: UnitOfWork) -> None:
    if not held:
        return
    store = ScoreStore(unit)
    # After they are held: whatever was committed before is seen, whatever comes later marks them again.
    facts, scheme = await store.facts(held), await read_scheme(unit)
    await store.write({lead_id: score(known, scheme).total for lead_id, known in facts.items()})


async def _due(work: Work, args: Args) -> None:
    org_id, until = UUID(str(args["org_id"])), monotonic() + SLICE_S
    while True:
        async with UnitOfWork(work.sessions, org_id) as unit:
            ids = await ScoreStore(unit).due(AT_ONCE)
        if not ids:
            return
        await rescore(ids, org_id, work)
        if monotonic() > until:
            async with UnitOfWork(work.sessions, org_id) as unit:
                await ask_for_scores(unit)
                await unit.commit()
            return


async def _all(work: Work, args: Args) -> None:
    org_id, until = UUID(str(args["org_id"])), monotonic() + SLICE_S
    after = UUID(str(args["after"])) if args.get("after") else None
    while True:
        async with UnitOfWork(work.sessions, org_id) as unit:
            ids = await ScoreStore(unit).after(after, AT_ONCE)
        if not ids:
            return
        await rescore(ids, org_id, work)
        after = ids[-1]
        if monotonic() > until:
            async with UnitOfWork(work.sessions, org_id) as unit:
                await ask_for_all_scores(unit, after)
                await unit.commit()
            return


async def _changed(work: Work, args: Args) -> None:
    async with UnitOfWork(work.sessions, UUID(str(args["org_id"]))) as unit:
        await ask_for_scores(unit, UUID(str(args["lead_id"])))
        await unit.commit()


async def _sweep(work: Work, _args: Args) -> None:
    after: UUID | None = None
    while orgs := await organisations_after(work.sessions, after, ORGANISATIONS_AT_ONCE):
        for org_id in orgs:
            async with UnitOfWork(work.sessions, org_id) as unit:
                if await ScoreStore(unit).due(1):
                    await ask_for_scores(unit)
                    await unit.commit()
        after = orgs[-1]


def _lock(org_id: UUID) -> str:
    return f"scores:{org_id}"


DUE: Final = Task("scoring.due", _due)
ALL: Final = Task("scoring.all", _all)
SWEEP: Final = Task("scoring.sweep", _sweep, cron="41 3 * * *")
CHANGED: Final = Task("scoring.changed", _changed)
TASKS: Final = (DUE, ALL, SWEEP, CHANGED)
