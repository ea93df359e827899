"""What is told of a lead to whoever listens: that it came, and which of its fields were changed. Never their values."""

from typing import Final

from sqlalchemy import inspect

from crm.leads.model import Lead
from crm.outbox.emitting import OUTBOX
from crm.unit_of_work import UnitOfWork

CREATED: Final = "lead.created"
CHANGED: Final = "lead.changed"
TOLD_FIELDS: Final = (
    *("name", "email", "phone", "company", "source", "pipeline", "status", "score", "custom_fields", "notes"),
    *("next_step", "do_not_call", "time_zone", "owner_id"),
)


async def tell_created(lead: Lead, unit: UnitOfWork) -> None:
    """Tell of a new lead, which is in the database, in the caller's transaction."""
    await OUTBOX.emit(unit, CREATED, {"lead_id": str(lead.id), "status": lead.status, "source": lead.source})


async def tell_changed(lead: Lead, unit: UnitOfWork) -> None:
    """Tell which fields differ from what the database has, and write them, in the caller's transaction."""
    attributes = inspect(lead).attrs
    fields = [name for name in TOLD_FIELDS if attributes[name].history.has_changes()]
    if fields:
        await OUTBOX.emit(unit, CHANGED, {"lead_id": str(lead.id), "fields": fields})
