"""What webhooks do with an event of the outbox: one posting for each that asked for its kind."""

import json
from typing import Final

from fastapi.encoders import jsonable_encoder
from sqlalchemy import select

from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from crm.webhooks.jobs import put_in
from crm.webhooks.model import Delivery, Webhook

# What can be asked for: a contract with customers.
KINDS: Final = (
    "call.finished",
    "conversation.assigned",
    "credits.low",
    "import.finished",
    "lead.changed",
    "lead.created",
    "message.created",
    "message.failed",
    "message.sent",
)


async def take_event(unit: UnitOfWork, event: OutboxEvent) -> None:
    """Put in the postings, in the caller's transaction."""
    if event.kind not in KINDS:
        return
    asked = select(Webhook).where(Webhook.org_id == unit.org_id, Webhook.on, Webhook.kinds.contains([event.kind]))
    body = json.dumps({"type": event.kind, "timestamp": event.at.isoformat(), "data": jsonable_encoder(event.body)})
    for webhook in (await unit.session.scalars(asked)).all():
        delivery = Delivery(org_id=unit.org_id, webhook_id=webhook.id, event_id=event.id, kind=event.kind, body=body)
        unit.session.add(delivery)
        await unit.session.flush()
        await put_in(unit, delivery.id)
