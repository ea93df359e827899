"""What people do with leads: add, read, list and replace them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from crm.database import utc_now
from crm.leads.model import DEFAULT_PIPELINE, DEFAULT_STATUS, Lead, Task
from crm.leads.progress import DO_NOT_CALL
from crm.leads.store import LeadStore, Order, Sort
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork


class LeadNotFound(Refusal):
    def __init__(self, lead_id: UUID) -> None:
        super().__init__("lead_not_found", {"lead_id": str(lead_id)})


@dataclass(frozen=True, slots=True)
class LeadFields:
    """What a person may set; the rest follows from calls."""

    name: str
    email: str | None = None
    phone: str | None = None  # E.164
    company: str = ""
    source: str = ""
    pipeline: str = DEFAULT_PIPELINE
    status: str = DEFAULT_STATUS
    score: int = 0
    custom_fields: dict[str, Any] | None = None
    notes: str = ""
    next_step: str = ""
    do_not_call: bool = False
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class LeadPage:
    leads: Sequence[Lead]
    total: int


async def add_lead(fields: LeadFields, unit: UnitOfWork) -> Lead:
    async with unit:
        lead = Lead(org_id=unit.org_id, name=fields.name)
        _fill(lead, fields)
        unit.session.add(lead)
        await unit.commit()
        return lead


async def replace_lead(lead_id: UUID, fields: LeadFields, unit: UnitOfWork) -> Lead:
    """Set all that a person may set. Raises LeadNotFound."""
    async with unit:
        lead = await LeadStore(unit).lock(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        _fill(lead, fields)
        await unit.commit()
        return lead


async def read_lead(lead_id: UUID, unit: UnitOfWork) -> tuple[Lead, Sequence[Task]]:
    """Return the lead and its tasks. Raises LeadNotFound."""
    async with unit:
        store = LeadStore(unit)
        lead = await store.get(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        return lead, await store.tasks_of(lead_id)


async def list_leads(
    unit: UnitOfWork,
    *,
    page: int = 1,
    limit: int = 20,
    sort: Sort = "created_at",
    order: Order = "desc",
    status: str | None = None,
) -> LeadPage:
    async with unit:
        store = LeadStore(unit)
        return LeadPage(await store.page(page, limit, sort, order, status), await store.count(status))


def _fill(lead: Lead, fields: LeadFields) -> None:
    lead.name = fields.name
    lead.email = fields.email
    lead.phone = fields.phone
    lead.company = fields.company
    lead.source = fields.source
    lead.pipeline = fields.pipeline
    lead.status = fields.status
    lead.score = fields.score
    lead.custom_fields = fields.custom_fields or {}
    lead.notes = fields.notes
    lead.next_step = fields.next_step
    lead.time_zone = fields.time_zone
    if fields.do_not_call:
        lead.do_not_call_at = lead.do_not_call_at or utc_now()
        lead.status = DO_NOT_CALL
    else:
        lead.do_not_call_at = None
    lead.do_not_call = fields.do_not_call
