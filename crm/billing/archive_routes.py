"""/api/ledger/archive: postings that are older than a year, by month."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from crm.access import Unit
from crm.answers import Success, success
from crm.billing.archive import lines_of_month, months, read_month
from crm.billing.routes import STATEMENT_MAX, LinesJson, file_of
from crm.billing.statement import line_json
from crm.page_cursor import CURSOR_CHARS_MAX

router = APIRouter(prefix="/api/ledger")


def month_of(
    month: Annotated[str, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2025-10"])],
) -> date:
    return date.fromisoformat(f"{month}-01")


Month = Annotated[date, Depends(month_of)]
MonthName = Annotated[str, Field(examples=["2025-10"])]


@router.get("/archive/months")
async def get_months(unit: Unit) -> Success[list[MonthName]]:
    """The months that are put away, newest first."""
    return success([f"{month:%Y-%m}" for month in await months(unit)])


@router.get("/archive")
async def get_archive(
    unit: Unit,
    month: Month,
    limit: Annotated[int, Query(ge=1, le=STATEMENT_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> Success[LinesJson]:
    """A month's postings, newest first, by cursor."""
    lines, following = await read_month(month, limit, cursor, unit)
    return success({"transactions": [line_json(line) for line in lines], "next": following})


@router.get("/archive.csv", response_class=StreamingResponse)
async def get_archive_file(unit: Unit, month: Month) -> StreamingResponse:
    """A month's postings as the statement's file has them."""
    return file_of(lines_of_month(month, unit), f"ledger-{month:%Y-%m}.csv")
