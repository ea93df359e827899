"""/api/imports: files of leads, from the upload to the rows that were set aside."""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, shown, success
from crm.identity.tokens import Identity
from crm.imports.cells import written
from crm.imports.model import Import, ImportFault, State
from crm.imports.plan import Key, Plan, WhenFound, plan_of
from crm.imports.store import ImportStore
from crm.imports.usecases import (
    Tried,
    cancel,
    list_imports,
    read_import,
    reshape,
    start,
    try_plan,
    upload,
)
from crm.permissions import Permission
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork

LIMIT_MAX: Final = 100
FAULTS_AT_ONCE: Final = 500

NEEDS: Final = Needs(Permission.IMPORTS_WRITE)
router = APIRouter(prefix="/api/imports", dependencies=[Depends(NEEDS)])
Importer = Annotated[Identity, Depends(NEEDS)]

FileName = Annotated[str, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]


class Column(BaseModel):
    model_config = ConfigDict(extra="forbid")

    column: str = Field(max_length=200)
    to: str = Field(max_length=200)


class Defaults(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: Word | None = None
    pipeline: Word | None = None
    status: Word | None = None


class PlanBody(BaseModel):
    """Which column goes where, and what becomes of rows whose lead is there already."""

    model_config = ConfigDict(extra="forbid")

    mapping: list[Column] = Field(min_length=1, max_length=500)
    match_on: list[Key] = Field(default=["email", "phone"], max_length=2)
    when_found: WhenFound = "skip"
    region: str = Field("", max_length=2)
    defaults: Defaults = Defaults()

    def plan(self, held: Import) -> Plan:
        return plan_of(
            [(column.column, column.to) for column in self.mapping],
            [column["name"] for column in held.columns],
            match_on=self.match_on,
            when_found=self.when_found,
            region=self.region.upper(),
            defaults=self.defaults.model_dump(exclude_none=True),
        )


class FormBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    encoding: Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252"] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    has_header: bool | None = None


class FormJson(TypedDict):
    encoding: Annotated[str | None, Field(examples=["utf-8"])]
    delimiter: Annotated[str | None, Field(examples=[","])]
    has_header: bool | None


class ColumnJson(TypedDict):
    """What a column seems to be, and by what that was told."""

    name: str
    sample: str
    guess: str
    because: str


class ImportJson(TypedDict):
    id: UUID
    file_name: Annotated[str, Field(examples=["leads.csv"])]
    state: State
    fault: dict[str, Any] | None
    size_bytes: int
    percent: int
    form: FormJson
    columns: list[ColumnJson]
    rows: int
    created: int
    updated: int
    skipped: int
    bad: int
    created_by: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class FaultJson(TypedDict):
    field: str
    fault: Annotated[str, Field(examples=["is empty"])]


class BadRowJson(TypedDict):
    row: int
    line: int
    faults: list[FaultJson]
    cells: list[str]


class TriedJson(TypedDict):
    """What would become of a row: `created`, `updated`, `skipped` or `bad`."""

    row: int
    line: int
    outcome: Annotated[str, Field(examples=["created"])]
    lead_id: UUID | None
    values: dict[str, Any]
    faults: list[FaultJson]


@router.post("", status_code=201)
async def post_import(
    request: Request, person: Importer, unit: Unit, held: Held, file_name: FileName
) -> Success[ImportJson]:
    """Upload a file: the request's body is the file's bytes, of any length, without a form around them."""
    made = await upload(file_name, request.stream(), person, unit, held.store)
    return success(import_json(made), status=201)


@router.get("")
async def get_imports(
    unit: Unit, before: UUID | None = None, limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20
) -> Success[list[ImportJson]]:
    return success([import_json(held) for held in await list_imports(unit, before, limit)])


@router.get("/{import_id}")
async def get_import(import_id: UUID, unit: Unit) -> Success[ImportJson]:
    return success(import_json(await read_import(import_id, unit)))


@router.put("/{import_id}/form")
async def put_form(import_id: UUID, body: FormBody, unit: Unit, held: Held) -> Success[ImportJson]:
    """Say how the file is written where the guess is wrong; the columns are read anew."""
    read = await reshape(import_id, body.encoding, body.delimiter, body.has_header, unit, held.store)
    return success(import_json(read))


@router.post("/{import_id}/dry-run")
async def post_dry_run(import_id: UUID, body: PlanBody, unit: Unit, held: Held) -> Success[list[TriedJson]]:
    """Show what would become of the first 50 rows. Nothing is written."""
    plan = body.plan(await read_import(import_id, unit))
    return success([_tried(tried) for tried in await try_plan(import_id, plan, unit, held.store)])


@router.post("/{import_id}/start", status_code=202)
async def post_start(import_id: UUID, body: PlanBody, unit: Unit) -> Success[ImportJson]:
    plan = body.plan(await read_import(import_id, unit))
    return success(import_json(await start(import_id, plan, unit)), status=202)


@router.post("/{import_id}/cancel")
async def post_cancel(import_id: UUID, unit: Unit, held: Held) -> Success[ImportJson]:
    """Read no more of it. What is in stays."""
    return success(import_json(await cancel(import_id, unit, held.store)))


@router.get("/{import_id}/bad-rows")
async def get_bad_rows(
    import_id: UUID,
    unit: Unit,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
) -> Success[list[BadRowJson]]:
    """List what was set aside, in the file's order; `after` is the row that the last page ended with."""
    await read_import(import_id, unit)
    async with unit:
        found = await ImportStore(unit).faults(import_id, after, limit)
    return success([shown(BadRowJson, fault) for fault in found])


@router.get("/{import_id}/bad-rows.csv", response_class=StreamingResponse)
async def get_bad_rows_file(import_id: UUID, unit: Unit) -> StreamingResponse:
    """Download what was set aside, with its reasons behind it: mended, the file can be imported again."""
    held = await read_import(import_id, unit)
    name = quote(f"bad rows of {held.file_name}", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "private, no-store"}
    return StreamingResponse(_bad_rows(held, unit), headers=headers, media_type="text/csv; charset=utf-8")


async def _bad_rows(held: Import, unit: UnitOfWork) -> AsyncGenerator[bytes, None]:
    names = [column["name"] for column in held.columns]
    # A mark at the beginning, or Excel would not take it for UTF-8.
    yield b"\xef\xbb\xbf" + _line([*names, "row", "reason"])
    after = 0
    while True:
        async with unit:
            found = await ImportStore(unit).faults(held.id, after, FAULTS_AT_ONCE)
        for fault in found:
            cells = [*fault.cells, *[""] * (len(names) - len(fault.cells))]
            yield _line([*cells, str(fault.row), _reason(fault)])
        if len(found) < FAULTS_AT_ONCE:
            return
        after = found[-1].row


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([written(cell) for cell in cells])
    return text.getvalue().encode()


def _reason(fault: ImportFault) -> str:
    return "; ".join(f"{told['field']} {told['fault']}" for told in fault.faults)


def _tried(tried: Tried) -> TriedJson:
    return {
        "row": tried.row,
        "line": tried.line,
        "outcome": tried.outcome,
        "lead_id": tried.lead_id,
        "values": tried.values,
        "faults": [{"field": fault.field, "fault": fault.fault} for fault in tried.faults],
    }


def import_json(held: Import) -> ImportJson:
    read = int(held.place.get("offset", 0)) if held.size_bytes else 0
    done = held.state == "finished"
    return {
        "id": held.id,
        "file_name": held.file_name,
        "state": State(held.state),
        "fault": held.fault or None,
        "size_bytes": held.size_bytes,
        "percent": 100 if done else round(100 * read / held.size_bytes) if held.size_bytes else 0,
        "form": {
            "encoding": held.form.get("encoding"),
            "delimiter": held.form.get("delimiter"),
            "has_header": held.form.get("has_header"),
        },
        "columns": held.columns,
        "rows": held.rows,
        "created": held.created,
        "updated": held.updated,
        "skipped": held.skipped,
        "bad": held.bad,
        "created_by": held.created_by,
        "created_at": held.created_at,
        "started_at": held.started_at,
        "finished_at": held.finished_at,
    }
