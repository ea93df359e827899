"""What scores take of the outbox: a message that a lead wrote has its score worked out again."""

from crm.inbox.channels import Direction
from crm.inbox.writing import CREATED
from crm.jobs.queue import JOBS
from crm.outbox.model import OutboxEvent
from crm.scoring.jobs import CHANGED
from crm.unit_of_work import UnitOfWork


async def score_sender(unit: UnitOfWork, event: OutboxEvent) -> None:
    """Put the job in, in the caller's transaction, which holds no lead: calls hold leads in an order of their own."""
    if event.kind == CREATED and event.body["direction"] == Direction.IN:
        await JOBS.defer(unit, CHANGED, {"org_id": str(unit.org_id), "lead_id": str(event.body["lead_id"])})
