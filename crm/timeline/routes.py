"""/api/leads/{lead_id}/timeline: what happened with a lead, newest first."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from crm.access import Unit
from crm.answers import success
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.timeline.store import Item, Kind
from crm.timeline.usecases import read_timeline

PAGE_MAX: Final = 100

router = APIRouter(prefix="/api/leads")


@router.get("/{lead_id}/timeline")
async def get_timeline(
    lead_id: UUID,
    unit: Unit,
    kind: Annotated[list[Kind] | None, Query(max_length=len(Kind))] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> JSONResponse:
    """Calls, messages, notes, tasks and changes of one lead; `kind`, which may be repeated, chooses among them."""
    items, following = await read_timeline(lead_id, frozenset(kind or ()), limit, cursor, unit)
    return success({"items": [item_json(item) for item in items], "next": following})


def item_json(item: Item) -> dict[str, Any]:
    return {"kind": item.kind.value, "at": item.at, "id": item.id, "details": item.details}
