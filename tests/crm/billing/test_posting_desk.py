"""Postings that stand alone, on a real Postgres: many at once, repeats, empty and busy wallets, Postgres away."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.billing import posting_desk
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.model import AccountKind, Transaction
from crm.billing.posting_desk import LedgerBusy, Posting, PostingDesk
from crm.billing.replay import replay
from crm.database import Sessions, open_engine
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from tests.crm.conftest import Org, make_org


@pytest.fixture
async def desk(engine: AsyncEngine) -> AsyncIterator[PostingDesk]:
    async with PostingDesk.running(engine) as made:
        yield made


def debit(reference: str, amount: int = 1_000) -> Posting:
    return Posting("debit", reference, {AccountKind.WALLET: -amount, AccountKind.REVENUE: amount})


async def verdict(desk: PostingDesk, org_id: UUID, posting: Posting) -> str:
    try:
        return "booked" if await desk.post(org_id, posting) else "repeated"
    except NoCredit:
        return "no_credit"


async def verdicts(desk: PostingDesk, wanted: list[tuple[UUID, Posting]]) -> list[str]:
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(verdict(desk, org_id, posting)) for org_id, posting in wanted]
    return [task.result() for task in asked]


async def standing(sessions: Sessions, org_id: UUID) -> tuple[int, int]:
    """Return the wallet and the revenue, after a look at whether the books are right."""
    async with UnitOfWork(sessions, org_id) as unit:
        ledger = Ledger(unit)
        assert await ledger.total() == 0
        assert await replay(unit) == []
        found = await ledger.balances()
    return found[AccountKind.WALLET], found[AccountKind.REVENUE]


async def test_concurrent_debits_of_the_last_credit(desk: PostingDesk, sessions: Sessions) -> None:
    """Of two organisations at once: each gets what it can pay, and not what the other can."""
    poor, rich = await make_org(sessions, credit=1), await make_org(sessions, credit=30)
    wanted = [(org.id, debit(f"d:{number}")) for number in range(40) for org in (poor, rich)]
    answers = await verdicts(desk, wanted)
    assert sorted(answers[0::2]) == ["booked"] + ["no_credit"] * 39
    assert sorted(answers[1::2]) == ["booked"] * 30 + ["no_credit"] * 10
    assert await standing(sessions, poor.id) == (0, 1_000)
    assert await standing(sessions, rich.id) == (0, 30_000)


async def test_one_key_settled_twice(desk: PostingDesk, sessions: Sessions, org: Org) -> None:
    """At once, and again later, and once it was booked by somebody else."""
    assert sorted(await verdicts(desk, [(org.id, debit("same"))] * 20)) == ["booked"] + ["repeated"] * 19
    assert await verdict(desk, org.id, debit("same")) == "repeated"
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).post("debit", "theirs", debit("theirs").moves)
        await unit.commit()
    assert await verdicts(desk, [(org.id, debit("theirs")), (org.id, debit("new"))]) == ["repeated", "booked"]
    assert await standing(sessions, org.id) == (497_000, 3_000)


async def test_a_wallet_that_is_held_keeps_no_other_waiting(desk: PostingDesk, sessions: Sessions, org: Org) -> None:
    other = await make_org(sessions)
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).lock_wallet()
        async with asyncio.TaskGroup() as tasks:
            held = tasks.create_task(verdict(desk, org.id, debit("held")))
            assert (
                await verdicts(desk, [(other.id, debit(f"free:{number}")) for number in range(10)]) == ["booked"] * 10
            )
            assert not held.done()
            await unit.commit()
    assert held.result() == "booked"
    assert await standing(sessions, org.id) == (499_000, 1_000)


async def test_a_wallet_that_is_held_for_long_is_told(desk: PostingDesk, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).lock_wallet()
        with pytest.raises(LedgerBusy):
            await desk.post(org.id, debit("held"))


async def test_transfers_both_ways_never_wait_in_a_circle(
    desk: PostingDesk, engine: AsyncEngine, sessions: Sessions
) -> None:
    """Two processes book for the same organisations, in opposite orders, there and back."""
    orgs = [await make_org(sessions) for _ in range(6)]
    there = {AccountKind.WALLET: -5, AccountKind.HELD: 5}
    back = {AccountKind.WALLET: 5, AccountKind.HELD: -5}
    async with PostingDesk.running(engine) as second, asyncio.TaskGroup() as tasks:
        for number in range(20):
            for one, other in zip(orgs, reversed(orgs), strict=True):
                tasks.create_task(desk.post(one.id, Posting("reserve", f"there:{number}", there)))
                tasks.create_task(second.post(other.id, Posting("settle", f"back:{number}", back)))
    for org in orgs:
        assert await standing(sessions, org.id) == (500_000, 0)


async def test_nobody_is_booked_for_whom_no_wallet_is(desk: PostingDesk, org: Org) -> None:
    stranger = new_id()
    assert await verdicts(desk, [(stranger, debit("x")), (org.id, debit("x"))]) == ["no_credit", "booked"]


async def test_after_a_statement_for_several_the_connection_sees_none(
    engine: AsyncEngine, desk: PostingDesk, sessions: Sessions, org: Org
) -> None:
    other = await make_org(sessions)
    assert await verdicts(desk, [(org.id, debit("a")), (other.id, debit("a"))]) == ["booked"] * 2
    async with UnitOfWork(sessions) as unit:
        assert await unit.session.scalar(select(func.count()).select_from(Transaction)) == 0
    async with UnitOfWork(sessions, org.id) as unit:
        seen = await unit.session.scalars(select(Transaction.org_id).distinct())
        assert seen.all() == [org.id]
        # The list of several says nothing to any other table.
        await unit.session.execute(text("SET LOCAL app.ledger = '" + str(other.id) + "'"))
        assert await unit.session.scalar(text("SELECT count(DISTINCT org_id) FROM leads")) == 1


async def test_with_postgres_away_everybody_is_told() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:9/none")
    try:
        async with PostingDesk.running(engine) as desk:
            with pytest.raises(SQLAlchemyError):
                await desk.post(new_id(), debit("x"))
    finally:
        await engine.dispose()


async def test_more_than_may_wait_is_refused(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, sessions: Sessions, org: Org
) -> None:
    monkeypatch.setattr(posting_desk, "WAITING_MAX", 2)
    async with PostingDesk.running(engine) as desk, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_or_busy(desk, org.id, debit(f"{number}"))) for number in range(5)]
    assert [task.result() for task in asked] == ["booked", "booked", "busy", "busy", "busy"]


async def test_what_waits_when_the_process_stops_is_told(engine: AsyncEngine, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).lock_wallet()
        async with asyncio.TaskGroup() as tasks, PostingDesk.running(engine) as desk:
            asked = [tasks.create_task(_or_busy(desk, org.id, debit(f"{number}"))) for number in range(200)]
            await asyncio.sleep(0)
    assert [task.result() for task in asked] == ["busy"] * 200


async def _or_busy(desk: PostingDesk, org_id: UUID, posting: Posting) -> str:
    try:
        return await verdict(desk, org_id, posting)
    except LedgerBusy:
        return "busy"


async def test_two_desks_take_the_same_wallets_in_opposite_order(engine: AsyncEngine, sessions: Sessions) -> None:
    """Two processes, each with batches over two organisations, the one first or the other: none waits for ever."""
    first, second = await make_org(sessions, credit=100), await make_org(sessions, credit=100)
    orders = [(first, second), (second, first)]
    async with (
        PostingDesk.running(engine) as one,
        PostingDesk.running(engine) as other,
        asyncio.timeout(60),
        asyncio.TaskGroup() as tasks,
    ):
        for number, (desk, orgs) in enumerate(zip((one, other), orders, strict=True)):
            wanted = [(org.id, debit(f"{number}:{turn}")) for turn in range(40) for org in orgs]
            tasks.create_task(verdicts(desk, wanted))
    for org in (first, second):
        assert await standing(sessions, org.id) == (20_000, 80_000)
