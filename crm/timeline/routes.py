"""/api/leads/{lead_id}/timeline: what happened with a lead, newest first."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from typing_extensions import TypedDict

from crm.access import ReadUnit
from crm.answers import PAGE_MAX, Success, shown, success
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.timeline.store import Kind
from crm.timeline.usecases import read_timeline

router = APIRouter(prefix="/api/leads")


class ItemJson(TypedDict):
    """`id` is that of the call, the change, the message, the note or the task; `details` go by the kind."""

    kind: Kind
    at: datetime
    id: UUID
    details: dict[str, Any]


class TimelineJson(TypedDict):
    items: list[ItemJson]
    next: str | None


@router.get("/{lead_id}/timeline")
async def get_timeline(
    lead_id: UUID,
    unit: ReadUnit,
    kind: Annotated[list[Kind] | None, Query(max_length=len(Kind))] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> Success[TimelineJson]:
    """Calls, messages, notes, tasks and changes of one lead; `kind`, which may be repeated, chooses among them."""
    items, following = await read_timeline(lead_id, frozenset(kind or ()), limit, cursor, unit)
    return success({"items": [shown(ItemJson, item) for item in items], "next": following})
