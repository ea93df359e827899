"""What the inbox does with an event of the outbox: a message that mail carries is given to the job that sends it."""

from crm.inbox.channels import Delivery
from crm.inbox.jobs import DELIVER
from crm.inbox.writing import CREATED
from crm.jobs.queue import JOBS
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork


async def send_message(unit: UnitOfWork, event: OutboxEvent) -> None:
    """Put the job in, in the caller's transaction."""
    if event.kind == CREATED and event.body["delivery"] == Delivery.MAIL:
        args = {"org_id": str(unit.org_id), "message_id": str(event.body["message_id"])}
        await JOBS.defer(unit, DELIVER, args)
