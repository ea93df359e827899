"""/api/ledger: the organisation's balances, its statement, and refunds of calls."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, shown, success
from crm.billing.alerts import list_alerts
from crm.billing.archive import ArchiveStore
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.refunds import RefundRequest, refund_call
from crm.billing.statement import Choice, Line, TransactionJson, all_lines, line_json, read_statement, transactions
from crm.billing.statement_file import HEADINGS, csv_text, row_of
from crm.database import utc_now
from crm.idempotency.writes import Attempted, once
from crm.identity.tokens import Identity
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.permissions import Permission
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits

STATEMENT_MAX: Final = 200
KINDS_MAX: Final = 20
EXPORT_AT_ONCE: Final = 500  # lines in one piece of the file
# What a bigint holds of it can be added up without care.
AMOUNT_MAX: Final = 10**15

router = APIRouter()


def choice_of(
    kind: Annotated[
        list[Annotated[str, Query(pattern=r"^[a-z_]{1,40}$")]] | None,
        Query(max_length=KINDS_MAX, description="May be repeated: fund, reserve, meter, settle, generation, refund"),
    ] = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="That moment and later")] = None,
    before: Annotated[AwareDatetime | None, Query(description="Earlier than that moment")] = None,
    call_id: UUID | None = None,
) -> Choice:
    return Choice(frozenset(kind or ()), from_, before, call_id)


Chosen = Annotated[Choice, Depends(choice_of)]


class RefundBody(BaseModel):
    """Without `amount` all that is left of what the call was charged."""

    model_config = ConfigDict(extra="forbid")

    amount: int | None = Field(None, ge=1, le=AMOUNT_MAX, description="Thousandths of a credit")
    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")


class LedgerJson(TypedDict):
    """`sum` is that of all balances: always 0."""

    balances: dict[AccountKind, int]
    sum: Annotated[int, Field(examples=[0])]
    transactions: list[TransactionJson]


class LinesJson(TypedDict):
    transactions: list[TransactionJson]
    next: str | None


class StatementJson(LinesJson):
    """`archived_to`: up to when postings are in the archive, whose months stand under the path `archive`."""

    archived_to: datetime | None
    archive: str | None


class AlertJson(TypedDict):
    level: Annotated[int, Field(examples=[80])]
    base: int
    available: int
    at: datetime


class RefundJson(TypedDict):
    id: UUID
    call_id: UUID
    amount: int
    reason: str
    at: datetime


@router.get("/api/ledger")
async def get_ledger(
    unit: Unit,
    limit: Annotated[int, Query(ge=1, le=STATEMENT_MAX)] = 50,
    call_id: UUID | None = None,
) -> Success[LedgerJson]:
    async with unit:
        balances, total = await Ledger(unit).balanced()
        statement = await transactions(unit, limit, call_id)
    return success(
        {
            "balances": dict(balances),
            "sum": total,
            "transactions": statement,
        }
    )


@router.get("/api/ledger/transactions")
async def get_transactions(
    unit: Unit,
    choice: Chosen,
    limit: Annotated[int, Query(ge=1, le=STATEMENT_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> Success[StatementJson]:
    """The statement, newest first, by cursor. What is older than `archived_to` is in the archive, summed up here."""
    lines, following = await read_statement(choice, limit, cursor, unit)
    async with unit:
        archived_to = await ArchiveStore(unit).newest_at()
    return success(
        {
            "transactions": [line_json(line) for line in lines],
            "next": following,
            "archived_to": archived_to,
            "archive": "/api/ledger/archive/months" if archived_to is not None else None,
        }
    )


@router.get("/api/ledger/statement.csv", response_class=StreamingResponse)
async def get_statement_file(unit: Unit, choice: Chosen) -> StreamingResponse:
    """The same as a file for a spreadsheet, whole: amounts in credits."""
    return file_of(all_lines(choice, unit), f"statement-{utc_now().date().isoformat()}.csv")


@router.get("/api/ledger/alerts")
async def get_alerts(unit: Unit, limit: Annotated[int, Query(ge=1, le=STATEMENT_MAX)] = 20) -> Success[list[AlertJson]]:
    """When the organisation was told that its credits come to an end, newest first."""
    return success([shown(AlertJson, alert) for alert in await list_alerts(unit, limit)])


@router.post("/api/calls/{call_id}/refunds", status_code=201)
async def post_refund(
    call_id: UUID,
    body: RefundBody,
    person: Annotated[Identity, Depends(Needs(Permission.BILLING_REFUND))],
    unit: Unit,
    held: Held,
    attempt: Attempted,
) -> Success[RefundJson]:
    """Give back what a call was charged, or a part; takes an Idempotency-Key."""
    if not held.admins_refund:
        raise Refusal("refunds_by_operator")
    asked = refund_request(body, person.user_id)
    return success(await refund_once(call_id, asked, unit, attempt), status=201)


def refund_request(body: RefundBody, by: UUID | None) -> RefundRequest:
    return RefundRequest(body.reason.strip(), None if body.amount is None else Millicredits(body.amount), by)


async def refund_once(call_id: UUID, asked: RefundRequest, unit: UnitOfWork, attempt: Attempted) -> Any:
    """Refund for one key; the answer as JSON. Raises Refusal: no key was given, or as `refund_call`."""
    if attempt is None:
        raise Refusal("key_required")

    async def act(part: UnitOfWork) -> RefundJson:
        return shown(RefundJson, await refund_call(call_id, asked, part))

    return await once(unit, attempt, act)


def file_of(found: AsyncGenerator[Line], name: str) -> StreamingResponse:
    """Return lines as a file to be kept, which is written while they are read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_file(found), media_type="text/csv; charset=utf-8", headers=headers)


async def _file(found: AsyncGenerator[Line]) -> AsyncGenerator[str]:
    yield csv_text([HEADINGS])
    rows: list[list[str]] = []
    async with aclosing(found) as lines:
        async for line in lines:
            rows.append(row_of(line))
            if len(rows) == EXPORT_AT_ONCE:
                yield csv_text(rows)
                rows = []
    yield csv_text(rows)
