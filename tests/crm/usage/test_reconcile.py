"""Our count against the vendors', in Postgres: what agrees, what differs, and what could not be had."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Response
from sqlalchemy import delete, select
from structlog.testing import capture_logs

from agent.llm.port import Usage
from agent.llm.usage import Fate, ModelCall
from config.settings import Settings
from crm.calls import intake
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.usage.book import OWN_SHARD, Counts, UsageBook, add
from crm.usage.model import Reconciliation, UsageDay
from crm.usage.openai_report import OpenAIReports
from crm.usage.reconcile import LATE_DAYS, LEASE, LOOK_AGAIN, RETRY, Sources, list_reconciliations, reconcile_one
from events.call import Event, ModelUsed, encode
from events.wire import stream_number
from tests.crm.conftest import Org
from tests.crm.fake_node import FakeNode
from tests.crm.usage.vendor import ADMIN_KEY, Vendor, serving

NOW = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0)
DAY = NOW.date() - timedelta(days=1)


@pytest.fixture(autouse=True)
async def clean(sessions: Sessions) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(delete(UsageDay))
        await unit.session.execute(delete(Reconciliation))
        await unit.commit()


@pytest.fixture
async def vendor() -> AsyncGenerator[Vendor]:
    async with serving() as made:
        yield made


async def took(
    sessions: Sessions, model: str, tokens: int, *, day: date = DAY, own_key: bool = False, shard: int = 0
) -> None:
    async with UnitOfWork(sessions) as unit:
        await add(unit, day, model, Counts(1, tokens - 10, 10), own_key=own_key, shard=shard)
        await unit.commit()


async def compare(sessions: Sessions, sources: Sources, now: datetime = NOW) -> list[Reconciliation]:
    for _ in range(20):
        if not await reconcile_one(sessions, sources, now):
            break
    return list(await list_reconciliations(sessions, 30))


def asking(vendor: Vendor) -> Sources:
    return Sources({"openai": OpenAIReports(ADMIN_KEY, vendor.url)})


async def test_what_agrees_is_settled(sessions: Sessions, vendor: Vendor) -> None:
    await took(sessions, "openai:gpt-a", 60_000, shard=3)
    await took(sessions, "openai:gpt-a", 40_000, shard=7)
    await took(sessions, "openai:gpt-b", 20_000)
    await took(sessions, "openai:gpt-b", 90_000, own_key=True)  # an organisation's account
    await took(sessions, "openai:gpt-b", 90_000, day=DAY - timedelta(days=9))
    vendor.took("gpt-a-2026-01-01", 2, 99_000, 2_000)
    vendor.took("gpt-b", 1, 20_000, 500)
    [row] = await compare(sessions, asking(vendor))
    assert (row.day, row.vendor, row.state, row.reason) == (DAY, "openai", "agrees", "")
    assert (row.our_tokens, row.their_tokens) == (120_000, 121_500)
    assert (row.our_requests, row.their_requests) == (3, 3)
    assert row.difference == pytest.approx(1_500 / 121_500)
    assert row.next_try_at is None


async def test_a_difference_is_an_alert_once_and_looked_at_again_for_some_days(
    sessions: Sessions, vendor: Vendor
) -> None:
    await took(sessions, "openai:gpt-a", 100_000)
    vendor.took("gpt-a", 1, 150_000, 0)
    with capture_logs() as logs:
        [row] = await compare(sessions, asking(vendor))
        assert (row.state, row.next_try_at) == ("differs", NOW + LOOK_AGAIN)
        await compare(sessions, asking(vendor), NOW + LOOK_AGAIN)
    told = [(line["event"], line["log_level"], line.get("share")) for line in logs if line["event"].startswith("usage")]
    assert told == [("usage.differs", "warning", 0.3333)]
    await took(sessions, "openai:gpt-a", 50_000, shard=9)  # late words of a node that was away
    rows = await compare(sessions, asking(vendor), NOW + 2 * LOOK_AGAIN)
    assert [one.state for one in rows if one.day == DAY] == ["agrees"]


async def test_a_difference_that_stays_is_left_after_some_days(sessions: Sessions, vendor: Vendor) -> None:
    day = DAY - timedelta(days=LATE_DAYS)
    await took(sessions, "openai:gpt-a", 100_000, day=day)
    vendor.took("gpt-a", 1, 150_000, 0)
    rows = await compare(sessions, asking(vendor))
    assert [(row.state, row.next_try_at) for row in rows if row.day == day] == [("differs", None)]


async def test_what_we_never_counted_shows(sessions: Sessions, vendor: Vendor) -> None:
    vendor.took("gpt-a", 4, 30_000, 0)
    [row] = await compare(sessions, asking(vendor))
    assert (row.state, row.our_tokens, row.their_tokens, row.difference) == ("differs", 0, 30_000, 1.0)


async def test_a_report_that_cannot_be_had_is_tried_again_and_no_figure_is_made_up(
    sessions: Sessions, vendor: Vendor
) -> None:
    await took(sessions, "openai:gpt-a", 100_000)
    vendor.fault = Response(status_code=503)
    with capture_logs() as logs:
        [row] = await compare(sessions, asking(vendor))
        await compare(sessions, asking(vendor), NOW + RETRY)
    assert (row.state, row.reason) == ("not_reconciled", "report_away: unavailable")
    assert (row.our_tokens, row.their_tokens, row.difference) == (100_000, None, None)
    assert row.next_try_at == NOW + RETRY
    assert [line["event"] for line in logs if line["event"].startswith("usage")] == ["usage.not_reconciled"]
    vendor.fault = None
    vendor.took("gpt-a", 1, 100_000, 0)
    [row] = await compare(sessions, asking(vendor), NOW + 2 * RETRY)
    assert (row.state, row.reason, row.their_tokens) == ("agrees", "", 100_000)


async def test_a_vendor_without_a_report_gets_it_from_a_file(sessions: Sessions, tmp_path: Path) -> None:
    await took(sessions, "anthropic:claude", 50_000)
    [row] = await compare(sessions, Sources(folder=tmp_path))
    assert (row.state, row.reason) == ("not_reconciled", "no_report")
    report = tmp_path / f"anthropic-{DAY.isoformat()}.csv"
    report.write_text("model,requests,prompt_tokens,completion_tokens\nclaude,1,many,0\n")
    [row] = await compare(sessions, Sources(folder=tmp_path), NOW + RETRY)
    assert row.state == "not_reconciled"
    assert row.reason.startswith("bad_report: line 2: ")
    report.write_text("model,requests,prompt_tokens,completion_tokens\nclaude,1,49000,500\n")
    [row] = await compare(sessions, Sources(folder=tmp_path), NOW + 2 * RETRY)
    assert (row.state, row.their_tokens) == ("agrees", 49_500)


async def test_a_day_is_compared_some_hours_after_its_end(sessions: Sessions, vendor: Vendor) -> None:
    await took(sessions, "openai:gpt-a", 100_000)
    early = NOW.replace(hour=5)
    rows = await compare(sessions, asking(vendor), early)
    assert [row.day for row in rows] == [DAY - timedelta(days=1)]


async def test_two_workers_do_not_ask_for_the_same_day(sessions: Sessions, vendor: Vendor) -> None:
    await took(sessions, "openai:gpt-a", 100_000)

    class Second:
        async def of_day(self, day: date) -> object:
            assert not await reconcile_one(sessions, asking(vendor), NOW), "the first holds it"
            return await OpenAIReports(ADMIN_KEY, vendor.url).of_day(day)

    assert await reconcile_one(sessions, Sources({"openai": Second()}), NOW)  # type: ignore[dict-item] # a report comes of it
    assert len(vendor.asked) == 1


async def test_a_worker_that_dies_leaves_its_day_to_others(sessions: Sessions, vendor: Vendor) -> None:
    await took(sessions, "openai:gpt-a", 100_000)

    class Dying:
        async def of_day(self, _day: date) -> object:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await reconcile_one(sessions, Sources({"openai": Dying()}), NOW)  # type: ignore[dict-item] # none comes of it
    assert not await reconcile_one(sessions, asking(vendor), NOW)
    assert await reconcile_one(sessions, asking(vendor), NOW + LEASE)


async def test_the_operator_reads_it_and_no_tenant_does(
    sessions: Sessions, vendor: Vendor, app: FastAPI, api: httpx.AsyncClient, settings: Settings
) -> None:
    await took(sessions, "openai:gpt-a", 100_000)
    await compare(sessions, asking(vendor))
    assert (await api.get("/internal/usage")).status_code == 401, "with a person's token"
    key = settings.internal_key.get_secret_value()
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://crm", headers=headers) as operator:
        [row] = (await operator.get("/internal/usage")).json()["data"]
        assert (row["day"], row["provider"], row["state"]) == (DAY.isoformat(), "openai", "differs")
        assert (await operator.get("/internal/usage?days=0")).status_code == 400


def call(tokens: int, provider: str = "openai:m", *, estimated: bool = False) -> ModelCall:
    return ModelCall(provider, Fate.SPOKEN, None, Usage(tokens, 1), estimated, None, 10, 20)


async def test_chats_are_counted_as_calls_are(sessions: Sessions) -> None:
    async with UsageBook.running(sessions) as book:
        book.note(call(100))
        await book.flush()
        book.note(call(50, estimated=True))
        book.note(call(7, "scripted"))
    async with UnitOfWork(sessions) as unit:
        row = await unit.session.get_one(UsageDay, (datetime.now(UTC).date(), "openai:m", False, OWN_SHARD))
        assert (row.requests, row.prompt_tokens, row.completion_tokens, row.estimated_tokens) == (2, 150, 2, 51)
        assert await unit.session.get(UsageDay, (datetime.now(UTC).date(), "scripted", False, OWN_SHARD)) is None


async def test_with_postgres_away_what_was_counted_waits(sessions: Sessions) -> None:
    class Away:
        def __call__(self) -> object:
            raise OSError("away")

    book = UsageBook(Away())  # type: ignore[arg-type] # a pool whose database is away
    book.note(call(100))
    await book.flush()
    book._sessions = sessions
    book.note(call(1))
    await book.flush()
    async with UnitOfWork(sessions) as unit:
        row = await unit.session.get_one(UsageDay, (datetime.now(UTC).date(), "openai:m", False, OWN_SHARD))
        assert (row.requests, row.prompt_tokens) == (2, 101)


async def test_each_request_of_a_call_is_counted_once_however_often_its_event_comes(
    sessions: Sessions, resources: Resources, node: FakeNode, org: Org
) -> None:
    placed = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert node.orders
    used = ModelUsed("openai:m", "spoken", "", 90, 10, own_key=True)
    lost = ModelUsed("openai:m", "lost", "", 80, 0, estimated=True)
    script = ModelUsed("scripted", "spoken", "", 5, 5)
    at = datetime.combine(DAY, datetime.min.time(), UTC)
    for _ in range(2):
        for seq, body in enumerate((used, lost, script, used), 1):
            event = Event(org.id, placed.call_id, 1, seq, at, body)
            async with UnitOfWork(sessions, org.id) as unit:
                await intake.take(event, intake.Entry("events:00", f"{seq}-1", encode(event)), unit)
                await unit.commit()
    shard = stream_number(placed.call_id)
    async with UnitOfWork(sessions) as unit:
        rows = (await unit.session.scalars(select(UsageDay).order_by(UsageDay.own_key))).all()
    assert [(row.day, row.model, row.own_key, row.shard) for row in rows] == [
        (DAY, "openai:m", False, shard),
        (DAY, "openai:m", True, shard),
    ]
    assert [(row.requests, row.prompt_tokens, row.completion_tokens, row.estimated_tokens) for row in rows] == [
        (1, 80, 0, 80),
        (2, 180, 20, 0),
    ]
