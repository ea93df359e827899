"""The statement: pages, filters, and the file, on a real Postgres."""

import csv
import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from crm.billing import statement
from crm.billing.ledger import Ledger
from crm.billing.statement import Choice, all_lines
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from tests.crm.billing.calls import settled_call
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem

PATH = "/api/ledger/transactions"


async def debits(sessions: Sessions, org: Org, count: int, kind: str = "test") -> None:
    """All in one transaction, and so of one moment."""
    async with UnitOfWork(sessions, org.id) as unit:
        for number in range(count):
            await Ledger(unit).debit(Millicredits(1), kind, f"{kind}:{number}")
        await unit.commit()


async def test_every_transaction_stands_on_one_page(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    """Also where many are of one moment, and more are booked between two pages."""
    await debits(sessions, org, 7)
    seen, cursor, first = [], "", True
    while first or cursor:
        page = data(await api.get(PATH, params={"limit": 3, "cursor": cursor}))
        seen += [line["id"] for line in page["transactions"]]
        cursor = page["next"]
        if first:
            await debits(sessions, org, 2, kind="later")
        first = False
    assert len(seen) == len(set(seen)) == 8, "seven, and what the organisation was founded with"
    newest = data(await api.get(PATH, params={"limit": 2}))["transactions"]
    assert [line["kind"] for line in newest] == ["later", "later"]


async def test_choosing_by_kind_time_and_call(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    call_id = await settled_call(sessions, org)
    await debits(sessions, org, 2)

    async def kinds(**params: str | list[str]) -> list[str]:
        return [line["kind"] for line in data(await api.get(PATH, params=params))["transactions"]]

    assert await kinds() == ["test", "test", "settle", "reserve", "fund"]
    assert await kinds(kind=["fund", "settle"]) == ["settle", "fund"]
    assert await kinds(call_id=str(call_id)) == ["settle", "reserve"]
    newest = data(await api.get(PATH, params={"limit": 1}))["transactions"][0]["at"]
    assert await kinds(before=newest) == ["settle", "reserve", "fund"]
    assert await kinds(**{"from": newest}) == ["test", "test"]
    assert await kinds(**{"from": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "nonsense"),
        ("limit", "201"),
        ("from", "2026-01-01T00:00:00"),  # of which zone?
        ("kind", "Robert'); --"),
        ("call_id", "7"),
    ],
)
async def test_bad_questions_name_what_is_wrong(api: httpx.AsyncClient, name: str, value: str) -> None:
    [fault] = problem(await api.get(PATH, params={name: value}), 400, "invalid_request")["fields"]
    assert name in fault["field"]


async def test_nobody_reads_another_organisations_statement(api: httpx.AsyncClient, sessions: Sessions) -> None:
    foreign = await make_org(sessions)
    call_id = await settled_call(sessions, foreign)
    assert data(await api.get(PATH, params={"call_id": str(call_id)}))["transactions"] == []


async def test_the_file_has_all_of_it(
    api: httpx.AsyncClient, sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "EXPORT_PAGE", 4)
    call_id = await settled_call(sessions, org)
    await debits(sessions, org, 9)
    answer = await api.get("/api/ledger/statement.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="statement-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["kind"] for row in rows] == ["test"] * 9 + ["settle", "reserve", "fund"]
    assert len({row["transaction"] for row in rows}) == 12
    reserve = rows[-2]
    assert (reserve["call"], reserve["wallet_credits"], reserve["held_credits"]) == (
        str(call_id),
        "-100.000",
        "100.000",
    )
    chosen = await api.get("/api/ledger/statement.csv", params={"kind": "fund"})
    assert len(chosen.text.splitlines()) == 2


async def test_a_file_holds_one_page_in_memory(sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is booked while it is written is not in it, and no line twice."""
    monkeypatch.setattr(statement, "EXPORT_PAGE", 3)
    await debits(sessions, org, 8)
    seen = []
    async for line in all_lines(Choice(), UnitOfWork(sessions, org.id)):
        seen.append(line.id)
        if len(seen) == 2:
            await debits(sessions, org, 4, kind="later")
    assert len(seen) == len(set(seen)) == 9


async def test_a_page_is_read_by_an_index(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await unit.session.scalars(
            text(
                "EXPLAIN SELECT id FROM ledger_transactions WHERE org_id = :org AND kind = 'fund'"
                " ORDER BY at DESC, id DESC LIMIT 50"
            ),
            {"org": org.id},
        )
        told = "\n".join(plan)
    assert "ledger_transactions_kind" in told
    assert "Sort" not in told
