"""/api/leads: leads as JSON."""

import json
from typing import Annotated, Any, Final, Self
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from crm.access import Needs, Person, ReadUnit, Unit
from crm.answers import PAGE_MAX, PAGES_MAX, Following, Paged, Success, followed_by, page_of, success
from crm.idempotency.writes import Attempted, once
from crm.leads.filters import FIELDS_MAX, LeadFilters, Order, Search, Sort
from crm.leads.model import DEFAULT_STATUS, Lead
from crm.leads.phones import e164_of
from crm.leads.showing import LeadJson, LeadWithTasksJson, lead_json, leads_json
from crm.leads.usecases import (
    LeadFields,
    add_lead,
    leads_after,
    list_leads,
    move_lead,
    read_lead,
    remove_lead,
    replace_lead,
)
from crm.notes.model import TOGETHER_CHARS_MAX
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.permissions import Permission
from crm.tags.usecases import tags_of
from crm.tasks.showing import task_json
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork
from crm.versions import IfMatch, etag_of

CUSTOM_FIELDS_CHARS_MAX: Final = 20_000
QUERY_CHARS_MAX: Final = 200
# One @, something before it, a dot in the domain, no blanks: what mail servers agree on (RFC 5321 is far wider). No
# control characters either, of which a database keeps no NUL.
EMAIL_PATTERN: Final = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)+$"

router = APIRouter(prefix="/api/leads")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=EMAIL_PATTERN, max_length=254)]
Phone = Annotated[str, StringConstraints(max_length=100), AfterValidator(e164_of)]
FieldAsked = Annotated[str, StringConstraints(max_length=400, pattern=NO_NUL)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
Asked = Annotated[str | None, Query(max_length=100, pattern=NO_NUL)]


class LeadBody(BaseModel):
    name: Name
    email: Email | None = None
    phone: Phone | None = None
    company: str = Field("", max_length=255)
    source: str = Field("", max_length=100)
    pipeline: Slug | None = None
    status: Slug = DEFAULT_STATUS
    score: int | None = Field(None, ge=0, le=100, description="Sets it by hand, where it differs")
    custom_fields: dict[str, Any] = {}
    notes: str = Field(
        "", max_length=TOGETHER_CHARS_MAX, description="What goes beyond the lead's notes is one more of them"
    )
    next_step: str = Field("", max_length=500)
    do_not_call: bool = Field(False, description="True marks the lead; a mark is lifted by a grant alone")
    time_zone: str = Field("", max_length=64)
    owner_id: UUID | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("must be a time zone's name, such as America/New_York")
        return value

    @model_validator(mode="after")
    def _can_be_stored(self) -> Self:
        text = json.dumps(self.model_dump(mode="json"))
        # Postgres stores no NUL, and says so late and badly.
        if "\\u0000" in text:
            raise ValueError("texts must not contain the NUL character")
        if len(json.dumps(self.custom_fields)) > CUSTOM_FIELDS_CHARS_MAX:
            raise ValueError("custom_fields are too long")
        return self

    def fields(self) -> LeadFields:
        return LeadFields(**self.model_dump())


class StageBody(BaseModel):
    """Where a lead goes, by slugs; without a pipeline it stays in its own."""

    model_config = ConfigDict(extra="forbid")

    pipeline: Slug | None = None
    status: Slug


def filters_of(
    status: Asked = None,
    pipeline: Asked = None,
    owner_id: UUID | None = None,
    email: Annotated[Email | None, Query()] = None,
    phone: Annotated[Phone | None, Query()] = None,
    do_not_call: bool | None = None,
    score_min: Annotated[int | None, Query(ge=0, le=100)] = None,
    score_max: Annotated[int | None, Query(ge=0, le=100)] = None,
    created_from: AwareDatetime | None = None,
    created_before: AwareDatetime | None = None,
    tag_id: UUID | None = None,
) -> LeadFilters:
    return LeadFilters(
        status,
        pipeline,
        owner_id,
        email,
        phone,
        do_not_call,
        score_min,
        score_max,
        created_from,
        created_before,
        tag_id,
    )


@router.post("", status_code=201)
async def post_lead(body: LeadBody, person: Person, unit: Unit, attempt: Attempted) -> Success[LeadJson]:
    async def add(part: UnitOfWork) -> LeadJson:
        return lead_json(await add_lead(body.fields(), part, person.user_id), ())

    made = await once(unit, attempt, add)
    answer: Success[LeadJson] = success(made, status=201)
    answer.headers["ETag"] = etag_of(made["version"])
    return answer


@router.get("")
async def get_leads(
    unit: ReadUnit,
    filters: Annotated[LeadFilters, Depends(filters_of)],
    page: Annotated[int, Query(ge=1, le=PAGES_MAX)] = 1,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    sort: Sort = "created_at",
    order: Order = "desc",
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
    q: Annotated[str, Query(max_length=QUERY_CHARS_MAX, pattern=NO_NUL)] = "",
    field: Annotated[list[FieldAsked] | None, Query(max_length=FIELDS_MAX)] = None,
) -> Paged[LeadJson] | Following[LeadJson]:
    """List leads by numbered pages, or by cursor where one is sent: `cursor=` begins, and `next` goes on.

    A search (`q`, `field`) goes by cursor always.
    """
    if cursor is None and not q and not field:
        found = await list_leads(unit, page=page, limit=limit, sort=sort, order=order, filters=filters)
        return success(
            leads_json(found.leads, found.tags),
            pagination=page_of(page, limit, found.total),
        )
    search = Search(q, tuple(field or ())) if q or field else None
    part = await leads_after(unit, cursor or "", limit=limit, sort=sort, order=order, filters=filters, search=search)
    return success(leads_json(part.leads, part.tags), pagination=followed_by(part.next, limit))


@router.get("/{lead_id}")
async def get_lead(lead_id: UUID, unit: Unit) -> Success[LeadWithTasksJson]:
    read = await read_lead(lead_id, unit)
    told: LeadWithTasksJson = {
        **lead_json(read.lead, read.tags),
        "tasks": [task_json(task) for task in read.tasks],
    }
    answer = success(told)
    answer.headers["ETag"] = etag_of(read.lead.version)
    return answer


@router.put("/{lead_id}")
async def put_lead(lead_id: UUID, body: LeadBody, person: Person, unit: Unit, read: IfMatch) -> Success[LeadJson]:
    return await _one(await replace_lead(lead_id, body.fields(), unit, read, person.user_id), unit)


@router.put("/{lead_id}/stage")
async def put_stage(lead_id: UUID, body: StageBody, unit: Unit, read: IfMatch) -> Success[LeadJson]:
    """Move a lead, as on a board. The timeline tells of it."""
    return await _one(await move_lead(lead_id, body.pipeline, body.status, unit, read), unit)


@router.delete("/{lead_id}", status_code=204, dependencies=[Depends(Needs(Permission.LEADS_DELETE))])
async def delete_lead(lead_id: UUID, person: Person, unit: Unit, read: IfMatch) -> Response:
    """Remove a lead that was never called, for good."""
    await remove_lead(lead_id, unit, read, person.user_id)
    return Response(status_code=204)


async def _one(lead: Lead, unit: UnitOfWork) -> Success[LeadJson]:
    answer = success(lead_json(lead, await tags_of(lead.id, unit)))
    answer.headers["ETag"] = etag_of(lead.version)
    return answer
