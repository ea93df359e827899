"""A lead as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from typing_extensions import TypedDict

from crm.answers import shown
from crm.leads.model import Lead
from crm.tags.model import Tag
from crm.tasks.showing import TaskJson


class CarriedTagJson(TypedDict):
    id: UUID
    name: str
    color: str


class _OwnJson(TypedDict):
    id: UUID
    name: str
    email: str | None
    email_doubled: bool
    phone: str | None
    company: str
    source: str
    pipeline: str
    status: str
    score: int
    score_set_by: UUID | None
    score_set_at: datetime | None
    custom_fields: dict[str, Any]
    notes: str
    next_step: str
    objections: list[Any]
    do_not_call: bool
    time_zone: str
    zone: str
    owner_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class LeadJson(_OwnJson):
    tags: list[CarriedTagJson]


class LeadWithTasksJson(LeadJson):
    tasks: list[TaskJson]


def lead_json(lead: Lead, tags: Sequence[Tag]) -> LeadJson:
    """Return what is told of a lead; `tags` are those that it carries."""
    return {**shown(_OwnJson, lead), "tags": [shown(CarriedTagJson, tag) for tag in tags]}


def leads_json(leads: Sequence[Lead], tags: Mapping[UUID, Sequence[Tag]]) -> list[LeadJson]:
    return [lead_json(lead, tags.get(lead.id, ())) for lead in leads]
