"""The job that hands an organisation's events to the listeners."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from crm.database import utc_now
from crm.jobs.port import Args, Task
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from crm.work import Work

AT_ONCE: Final = 200
KEPT: Final = timedelta(days=30)


async def _hand_out(work: Work, args: Args) -> None:
    # Listeners emit events of their own, and whoever emits needs this module: they come when something is handed out.
    from crm.outbox.listeners import LISTENERS

    org_id = UUID(str(args["org_id"]))
    handed = AT_ONCE
    while handed == AT_ONCE:
        async with UnitOfWork(work.sessions, org_id) as unit:
            waiting = (
                select(OutboxEvent)
                .where(OutboxEvent.org_id == org_id, OutboxEvent.handed_at.is_(None))
                .order_by(OutboxEvent.id)
                .limit(AT_ONCE)
                # A worker that was thought dead may be at it still.
                .with_for_update()
            )
            events = (await unit.session.scalars(waiting)).all()
            for event in events:
                for listener in LISTENERS:
                    await listener(unit, event)
                event.handed_at = utc_now()
            old = OutboxEvent.org_id == org_id, OutboxEvent.handed_at < utc_now() - KEPT
            await unit.session.execute(delete(OutboxEvent).where(*old))
            await unit.commit()
        handed = len(events)


HAND_OUT: Final = Task("outbox.hand_out", _hand_out)
TASKS: Final = (HAND_OUT,)
