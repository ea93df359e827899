"""The ledger on a real Postgres: debits, the sum of zero, and any order of postings against a model."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.billing.call_money import funding_for, meter_call, reserve_call, settle_call
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.model import Account, AccountKind, Entry, Transaction
from crm.billing.replay import replay
from crm.calls.model import Call
from crm.database import Sessions, open_engine, open_sessions, utc_now
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits, price_of_seconds
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org

CREDIT = Millicredits(1_000)


async def balances(sessions: Sessions, org: Org) -> dict[AccountKind, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        return await Ledger(unit).balances()


async def debit(sessions: Sessions, org: Org, amount: Millicredits, reference: str) -> bool:
    try:
        async with UnitOfWork(sessions, org.id) as unit:
            await Ledger(unit).debit(amount, "test", reference)
            await unit.commit()
    except NoCredit:
        return False
    return True


async def test_a_hundred_debits_of_the_last_credit(sessions: Sessions) -> None:
    org = await make_org(sessions, credit=1)
    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(debit(sessions, org, CREDIT, f"d{number}")) for number in range(100)]
    assert sum(attempt.result() for attempt in tries) == 1
    found = await balances(sessions, org)
    assert found[AccountKind.WALLET] == 0
    assert found[AccountKind.REVENUE] == CREDIT
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).total() == 0


async def test_a_refused_debit_moves_nothing(sessions: Sessions, org: Org) -> None:
    before = await balances(sessions, org)
    assert not await debit(sessions, org, Millicredits(before[AccountKind.WALLET] + 1), "too-much")
    assert await balances(sessions, org) == before


async def test_the_same_reference_is_posted_once(sessions: Sessions, org: Org) -> None:
    assert await debit(sessions, org, CREDIT, "once")
    with pytest.raises(DBAPIError, match="unique"):
        await debit(sessions, org, CREDIT, "once")


async def test_entries_that_do_not_sum_to_zero_fail(sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        transaction = Transaction(org_id=org.id, id=new_id(), kind="crooked", reference="crooked")
        unit.session.add(transaction)
        await unit.session.flush()
        wallet = await unit.session.scalar(select(Account.id).where(Account.kind == "wallet"))
        unit.session.add(Entry(org_id=org.id, transaction_id=transaction.id, account_id=wallet, amount=5))
        with pytest.raises(DBAPIError, match="do not sum to zero"):
            await unit.session.flush()


async def test_no_statement_makes_the_wallet_negative(sessions: Sessions, org: Org) -> None:
    with pytest.raises(DBAPIError, match="wallet_only"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text("UPDATE ledger_accounts SET balance = -1 WHERE kind = 'wallet'"))


async def test_no_statement_gives_another_account_a_balance(sessions: Sessions, org: Org) -> None:
    """What it holds would be said twice, and drift."""
    with pytest.raises(DBAPIError, match="wallet_only"):
        async with UnitOfWork(sessions, org.id) as unit:
            await unit.session.execute(text("UPDATE ledger_accounts SET balance = 1 WHERE kind = 'held'"))


async def test_deadlock_of_two_way_transfers(sessions: Sessions) -> None:
    """Wallet to held and held to wallet, both ways at once and in both orders: nobody waits in a circle."""
    org = await make_org(sessions, credit=10)
    one_way = {AccountKind.WALLET: -10, AccountKind.HELD: 10}
    other_way = {kind: -amount for kind, amount in one_way.items()}

    async def both(number: int) -> None:
        moves = (one_way, other_way) if number % 2 else (other_way, one_way)
        async with UnitOfWork(sessions, org.id) as unit:
            for step, move in enumerate(moves):
                await Ledger(unit).post("test", f"{number}:{step}", move)
            await unit.commit()

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(both(number))
    found = await balances(sessions, org)
    assert (found[AccountKind.WALLET], found[AccountKind.HELD]) == (10_000, 0)


async def test_one_reference_booked_by_many_at_once(sessions: Sessions, org: Org) -> None:
    async def book() -> bool:
        try:
            return await debit(sessions, org, CREDIT, "once")
        except IntegrityError:
            return False

    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(book()) for _ in range(8)]
    assert sum(attempt.result() for attempt in tries) == 1
    assert (await balances(sessions, org))[AccountKind.REVENUE] == CREDIT


class LedgerMachine(RuleBasedStateMachine):
    """Funds, debits and calls in any order; the wallet is never negative and nothing is lost or made."""

    runner: asyncio.Runner
    sessions: Sessions

    @initialize(credit=st.integers(0, 40))
    def found(self, credit: int) -> None:
        self.org = self.run(make_org(self.sessions, credit=credit))
        self.funded = credit * 1_000
        self.earned = 0
        self.owed = 0
        self.calls: list[Call] = []
        self.count = 0

    @rule(amount=st.integers(1, 30_000))
    def fund(self, amount: int) -> None:
        self.count += 1

        async def put(unit: UnitOfWork) -> None:
            await Ledger(unit).fund(Millicredits(amount), f"fund:{self.count}")

        self.run(self.within(put))
        self.funded += amount
        self.owed -= min(self.owed, amount)

    @rule(amount=st.integers(1, 30_000))
    def debit(self, amount: int) -> None:
        self.count += 1
        wallet = self.run(balances(self.sessions, self.org))[AccountKind.WALLET]
        done = self.run(debit(self.sessions, self.org, Millicredits(amount), f"debit:{self.count}"))
        assert done == (amount <= wallet)
        self.earned += amount if done else 0

    @rule(price=st.integers(1, 20_000), max_s=st.integers(1, 200))
    def reserve(self, price: int, max_s: int) -> None:
        async def hold(unit: UnitOfWork) -> Call:
            ledger = Ledger(unit)
            balance = await ledger.lock_wallet()
            funding = funding_for(balance, Millicredits(price), max_s)
            assert funding.amount <= balance
            call = self.call_of(price, funding.amount, funding.seconds)
            await reserve_call(call, ledger)
            return call

        self.calls.append(self.run(self.within(hold)))

    @rule(which=st.integers(0, 5), seconds=st.integers(0, 300))
    def meter(self, which: int, seconds: int) -> None:
        if which < len(self.calls) and self.calls[which].settled_at is None:
            call = self.calls[which]
            call.seq += 1
            self.run(self.within(lambda unit: meter_call(call, seconds, Ledger(unit))))
            assert call.charged <= max(call.reserved, 0)

    @rule(which=st.integers(0, 5), share=st.integers(1, 100))
    def refund(self, which: int, share: int) -> None:
        if which < len(self.calls) and self.calls[which].settled_at is not None:
            call = self.calls[which]
            amount = (call.charged - call.refunded) * share // 100
            if not amount:
                return
            self.count += 1

            async def give(unit: UnitOfWork) -> None:
                back = Millicredits(amount)
                await Ledger(unit).take_in(back, AccountKind.REVENUE, "refund", f"refund:{self.count}", call.id)

            self.run(self.within(give))
            call.refunded += amount
            self.owed -= min(self.owed, amount)

    @rule(which=st.integers(0, 5), seconds=st.integers(0, 300))
    def settle(self, which: int, seconds: int) -> None:
        """Also a second time: a late word charges the difference and gives nothing back."""
        if which < len(self.calls):
            call = self.calls[which]
            call.seq += 1
            before, held = call.charged, call.held
            wallet = self.run(balances(self.sessions, self.org))[AccountKind.WALLET]
            self.run(self.within(lambda unit: settle_call(call, seconds, utc_now(), Ledger(unit))))
            owed = price_of_seconds(seconds, Millicredits(call.price_per_minute))
            assert call.charged == max(before, owed)
            assert call.held == 0
            self.owed += max(0, call.charged - before - held - wallet)

    @invariant()
    def nothing_is_lost_or_made(self) -> None:
        if not hasattr(self, "calls"):
            return
        found = self.run(balances(self.sessions, self.org))
        assert found[AccountKind.WALLET] >= 0
        assert found[AccountKind.HELD] == sum(call.held for call in self.calls)
        assert found[AccountKind.FUNDING] == -self.funded
        assert found[AccountKind.SHORTFALL] == -self.owed
        assert found[AccountKind.REVENUE] == self.earned + sum(call.charged - call.refunded for call in self.calls)
        assert sum(found.values()) == 0
        assert self.run(self.within(lambda unit: Ledger(unit).total())) == 0
        # What is held for calls is another thing here: they are not stored.
        assert [one for one in self.run(self.within(replay)) if one.what != "held"] == []

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def within(self, work: Any) -> Any:
        async with UnitOfWork(self.sessions, self.org.id) as unit:
            result = await work(unit)
            await unit.commit()
            return result

    def call_of(self, price: int, reserved: int, seconds: int) -> Call:
        # Never stored: the ledger only reads and writes its money.
        return Call(
            org_id=self.org.id,
            id=new_id(),
            epoch=1,
            seq=0,
            price_per_minute=price,
            reserved=reserved,
            held=reserved,
            charged=0,
            refunded=0,
            funded_s=seconds,
        )


def test_any_order_of_postings(postgres: PostgresAddresses) -> None:
    with asyncio.Runner() as runner:
        engine: AsyncEngine = open_engine(postgres.app_url)
        LedgerMachine.runner, LedgerMachine.sessions = runner, open_sessions(engine)
        try:
            run_state_machine_as_test(
                LedgerMachine,
                settings=settings(
                    max_examples=10,
                    stateful_step_count=12,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            runner.run(engine.dispose())
