"""/api/exports: lists of leads as files. /exports: the files, for whoever has a link."""

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.exports.model import Export, Format, State
from crm.exports.usecases import ask_for, fetch, links_to, list_exports, read_export
from crm.idempotency.writes import Attempted, once
from crm.identity.tokens import Identity
from crm.leads.filters import LeadFilters
from crm.leads.routes import filters_of
from crm.permissions import Permission

LIMIT_MAX: Final = 100
_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "gz": "application/gzip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

router = APIRouter()
Exporter = Annotated[Identity, Depends(Needs(Permission.LEADS_EXPORT))]
Filters = Annotated[LeadFilters, Depends(filters_of)]


class FileJson(TypedDict):
    name: Annotated[str, Field(examples=["leads.csv"])]
    size_bytes: int
    url: Annotated[str, Field(examples=["/exports/…"])]


class ExportJson(TypedDict):
    id: UUID
    format: Format
    filters: dict[str, Any]
    state: State
    fault: Annotated[str, Field(description="given_up: its job lies with the dead letters")]
    rows: int
    files: list[FileJson]
    fetched: int
    fetched_at: datetime | None
    created_by: UUID | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


@router.post("/api/exports", status_code=202)
async def post_export(
    person: Exporter,
    unit: Unit,
    filters: Filters,
    attempt: Attempted,
    format: Format = Format.CSV,  # noqa: A002 - the API's name
) -> Success[ExportJson]:
    """Have all leads written that `GET /api/leads` lists with these filters."""
    made = await once(
        unit, attempt, lambda part: ask_for(format, filters, person, part), lambda export: _shown(export, [])
    )
    return success(made, status=202)


@router.get("/api/exports", dependencies=[Depends(Needs(Permission.LEADS_EXPORT))])
async def get_exports(
    unit: Unit, held: Held, before: UUID | None = None, limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20
) -> Success[list[ExportJson]]:
    found = await list_exports(unit, before, limit)
    return success([_shown(export, links_to(export, held.secret_key)) for export in found])


@router.get("/api/exports/{export_id}", dependencies=[Depends(Needs(Permission.LEADS_EXPORT))])
async def get_export(export_id: UUID, unit: Unit, held: Held) -> Success[ExportJson]:
    export = await read_export(export_id, unit)
    return success(_shown(export, links_to(export, held.secret_key)))


@router.get("/exports/{token}", response_class=StreamingResponse)
async def get_file(token: str, held: Held) -> StreamingResponse:
    """Serve a file to whoever has a link."""
    fetched = await fetch(token, held.sessions, held.store, held.secret_key)
    headers = {
        "Content-Length": str(fetched.size_bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(fetched.name, safe='')}",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    media_type = _TYPES[fetched.name.rpartition(".")[2]]
    return StreamingResponse(fetched.pieces, headers=headers, media_type=media_type)


def _shown(export: Export, links: list[str]) -> ExportJson:
    return {
        "id": export.id,
        "format": Format(export.format),
        "filters": export.filters,
        "state": State(export.state),
        "fault": export.fault,
        "rows": export.rows,
        "files": [told | {"url": url} for told, url in zip(export.files, links, strict=False)],
        "fetched": export.fetched,
        "fetched_at": export.fetched_at,
        "created_by": export.created_by,
        "created_at": export.created_at,
        "finished_at": export.finished_at,
        "expires_at": export.expires_at,
    }
