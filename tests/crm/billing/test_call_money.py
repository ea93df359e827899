"""What a call is charged: against the wallet and the reservation, step by step."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.billing.call_money import (
    Funding,
    funding_for,
    meter_call,
    reserve_call,
    seconds_on_credit,
    settle_call,
)
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.replay import replay
from crm.calls.model import Call
from crm.calls.store import CallStore
from crm.database import Sessions, utc_now
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits, price_of_seconds
from tests.crm.billing.calls import fund_call
from tests.crm.conftest import make_org

PER_MINUTE = Millicredits(10_000)


@pytest.mark.parametrize(
    ("balance", "funding"),
    [
        (0, Funding(0, Millicredits(0))),
        (10_000, Funding(60, PER_MINUTE)),
        (10**9, Funding(1800, Millicredits(300_000))),
    ],
)
def test_funding_is_what_the_wallet_pays_up_to_the_limit(balance: int, funding: Funding) -> None:
    assert funding_for(Millicredits(balance), PER_MINUTE, 1800) == funding


async def spend(
    sessions: Sessions, *, credit: int, held_s: int, metered: list[int], used_s: int
) -> tuple[Call, dict[AccountKind, int]]:
    org = await make_org(sessions, credit=credit)
    async with UnitOfWork(sessions, org.id) as unit:
        ledger = Ledger(unit)
        amount = held_s * PER_MINUTE // 60
        call = Call(
            org_id=org.id,
            id=new_id(),
            epoch=1,
            seq=0,
            price_per_minute=PER_MINUTE,
            reserved=amount,
            held=amount,
            charged=0,
        )
        await reserve_call(call, ledger)
        for seconds in metered:
            call.seq += 1
            await meter_call(call, seconds, ledger)
        call.seq += 1
        await settle_call(call, used_s, utc_now(), ledger)
        await unit.commit()
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).total() == 0
        return call, await Ledger(unit).balances()


async def test_what_was_not_used_goes_back(sessions: Sessions) -> None:
    call, found = await spend(sessions, credit=100, held_s=60, metered=[6, 6, 12, 6], used_s=30)
    assert (call.charged, call.held, call.balance_after) == (5_000, 0, 95_000)
    assert found[AccountKind.WALLET] == 95_000
    assert found[AccountKind.REVENUE] == 5_000
    assert found[AccountKind.HELD] == 0


async def test_nothing_used_costs_nothing(sessions: Sessions) -> None:
    call, found = await spend(sessions, credit=100, held_s=60, metered=[], used_s=0)
    assert call.charged == 0
    assert found[AccountKind.WALLET] == 100_000


async def test_more_than_reserved_is_taken_from_the_wallet(sessions: Sessions) -> None:
    call, found = await spend(sessions, credit=100, held_s=60, metered=[90], used_s=90)
    assert call.charged == 15_000
    assert found[AccountKind.WALLET] == 85_000
    assert found[AccountKind.SHORTFALL] == 0


async def test_what_the_wallet_cannot_pay_is_a_shortfall(sessions: Sessions) -> None:
    call, found = await spend(sessions, credit=12, held_s=60, metered=[], used_s=120)
    assert call.charged == 20_000
    assert found[AccountKind.WALLET] == 0
    assert found[AccountKind.SHORTFALL] == -8_000
    assert found[AccountKind.REVENUE] == 20_000


async def test_one_key_settled_twice_at_once(sessions: Sessions) -> None:
    """The end of a call told several times, by several consumers at the same moment: it is charged once."""
    org = await make_org(sessions, credit=100)
    call_id = await fund_call(sessions, org)

    async def end() -> None:
        async with UnitOfWork(sessions, org.id) as unit:
            call = await CallStore(unit).lock(call_id)
            assert call is not None
            await settle_call(call, 60, utc_now(), Ledger(unit))
            await unit.commit()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(end())
    async with UnitOfWork(sessions, org.id) as unit:
        found = await Ledger(unit).balances()
        assert await replay(unit) == []
    assert found == {
        AccountKind.WALLET: 90_000,
        AccountKind.HELD: 0,
        AccountKind.REVENUE: 10_000,
        AccountKind.FUNDING: -100_000,
        AccountKind.SHORTFALL: 0,
    }


@given(
    balance=st.integers(0, 10**7), left=st.integers(0, 10**7), price=st.integers(1, 10**5), max_s=st.integers(1, 14_400)
)
def test_credit_goes_as_far_as_it_was_lent(balance: int, left: int, price: int, max_s: int) -> None:
    """Never a thousandth more, and never longer than a call may be."""
    per_minute = Millicredits(price)
    paid = funding_for(Millicredits(balance), per_minute, max_s)
    more = seconds_on_credit(paid, Millicredits(left), per_minute, max_s)
    assert 0 <= more.amount <= left
    assert 0 <= more.seconds <= max_s - paid.seconds
    assert paid.amount + more.amount == price_of_seconds(paid.seconds + more.seconds, per_minute)
