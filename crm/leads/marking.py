"""The mark do-not-call as people set it: kept as a refusal of the number too, so that it outlasts the lead."""

from typing import Final
from uuid import UUID

from crm.consents.model import refusal_of_calls
from crm.database import utc_now
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.unit_of_work import UnitOfWork

SOURCE: Final = "person"


async def keep_mark(lead: Lead, evidence: str, by: UUID | None, unit: UnitOfWork) -> None:
    """Record a marked lead's number as refused, if it is not yet, for every lead of it; in the caller's transaction.

    A lead without a number has nothing to record, and its mark to itself. The lead must be in the database.
    """
    if not lead.do_not_call or lead.phone is None:
        return
    store = LeadStore(unit)
    if await store.refused_calls(lead.phone):
        return
    at = utc_now()
    unit.session.add(refusal_of_calls(unit.org_id, lead.phone, at, SOURCE, evidence, lead_id=lead.id, by=by))
    await unit.session.flush()
    await store.stop_calling(lead.phone, at)
