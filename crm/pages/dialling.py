"""What the page /phone asks of the CRM to call leads: whom one may mean, and the call itself.

Whether a lead may be called, the gate says when it is dialled, and nobody before.
"""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from typing_extensions import TypedDict

from crm.access import Held, VisitorUnit
from crm.access import Visitor as Asker
from crm.answers import Success, success
from crm.calls.dial import DialRequest
from crm.leads.filters import LeadFilters, Search
from crm.leads.model import Lead
from crm.leads.usecases import leads_after, read_lead
from crm.pages.rendering import own_origin
from crm.permissions import Permission, require
from crm.text_patterns import NO_NUL

LEADS_SHOWN: Final = 8  # more are found by more letters
QUERY_CHARS_MAX: Final = 100

router = APIRouter(prefix="/people/leads", include_in_schema=False)


class DialledJson(TypedDict):
    id: UUID
    name: str
    company: str
    phone: str | None
    do_not_call: bool


@router.get("")
async def get_leads(
    visitor: Asker,
    unit: VisitorUnit,
    q: Annotated[str, Query(max_length=QUERY_CHARS_MAX, pattern=NO_NUL)] = "",
) -> Success[list[DialledJson]]:
    """Find leads by words that begin their own, or by a whole number with its country; the newest for nothing."""
    require(visitor.role, Permission.CALLS_JOIN)
    answer: Success[list[DialledJson]] = success([_shown(lead) for lead in await _found(q.strip(), unit)])
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/{lead_id}")
async def get_lead(lead_id: UUID, visitor: Asker, unit: VisitorUnit) -> Success[DialledJson]:
    require(visitor.role, Permission.CALLS_JOIN)
    return success(_shown((await read_lead(lead_id, unit)).lead))


@router.post("/{lead_id}/dial", dependencies=[Depends(own_origin)])
async def post_dial(lead_id: UUID, visitor: Asker, held: Held) -> Response:
    """Call a lead, to talk oneself."""
    require(visitor.role, Permission.CALLS_JOIN)
    placed = await held.dialler.dial(DialRequest(lead_id, held_by=visitor.user_id), visitor.org_id)
    return success({"call_id": placed.call_id, "state": placed.state}, status=201)


async def _found(query: str, unit: VisitorUnit) -> Sequence[Lead]:
    if query.startswith("+"):
        number = "+" + "".join(letter for letter in query if letter.isdigit())
        return (await leads_after(unit, "", limit=LEADS_SHOWN, filters=LeadFilters(phone=number))).leads
    words = any(letter.isalnum() for letter in query)
    return (await leads_after(unit, "", limit=LEADS_SHOWN, search=Search(query) if words else None)).leads


def _shown(lead: Lead) -> DialledJson:
    return {
        "id": lead.id,
        "name": lead.name,
        "company": lead.company,
        "phone": lead.phone,
        "do_not_call": lead.do_not_call,
    }
