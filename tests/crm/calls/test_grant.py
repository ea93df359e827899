"""What a call is granted: paid seconds, and seconds on credit so that it can end, within the plan's bound."""

from contextlib import nullcontext

import httpx
import pytest

from crm.billing.at_zero import AtZero, set_at_zero
from crm.billing.conditions import Conditions, Tariff
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.plans import Plan, Plans
from crm.billing.prices import Period, Resource
from crm.billing.top_up import top_up
from crm.calls.dial import CallRefused, Dialler, DialRequest
from crm.calls.grant import Outrun, confirm
from crm.calls.store import CallStore
from crm.calls.terms import Terms
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from tests.crm.billing.calls import fund_call, settle
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem

MINUTE = 10_000
LENT = Plan("lent", credit=Millicredits(2 * MINUTE))


@pytest.fixture
def dialler(resources: Resources, node: FakeNode) -> Dialler:
    """Places calls of organisations whose plan lends two minutes."""
    prices = {resource: (Period(Millicredits(MINUTE)),) for resource in Resource}
    terms = Terms(
        secret_key=resources.secret_key,
        from_number="+12025550100",
        max_call_s=600,
        tariff=Tariff(prices, Plans({}, LENT)),
        rules=resources.rules,
        playbooks=resources.playbooks,
    )
    return Dialler(resources.sessions, resources.nodes, terms, resources.prompts)


async def poor(sessions: Sessions, credit: float, wish: AtZero = AtZero.ON_CREDIT) -> Org:
    org = await make_org(sessions, credit=credit)
    await set_at_zero(wish, UnitOfWork(sessions, org.id))
    return org


async def placed(dialler: Dialler, sessions: Sessions, org: Org) -> tuple[int, int, int]:
    """Return a new call's seconds, what is reserved for it, and what it may use on credit."""
    answer = await dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    async with UnitOfWork(sessions, org.id) as unit:
        call = await CallStore(unit).get(answer.call_id)
        assert call is not None
        return call.funded_s, call.reserved, call.credit


async def test_a_call_may_end_on_credit_where_both_sides_want_it(
    dialler: Dialler, node: FakeNode, sessions: Sessions
) -> None:
    assert await placed(dialler, sessions, await poor(sessions, 15)) == (90 + 120, 15_000, 20_000)
    assert node.permits()[0].funded_s == 210
    assert await placed(dialler, sessions, await poor(sessions, 15, AtZero.GOODBYE)) == (90, 15_000, 0)
    assert await placed(dialler, sessions, await poor(sessions, 95)) == (600, 95_000, 5_000), "as long as a call may be"
    assert await placed(dialler, sessions, await poor(sessions, 500)) == (600, 100_000, 0)


async def test_credit_lets_a_call_end_and_none_begin(dialler: Dialler, sessions: Sessions) -> None:
    org = await poor(sessions, 5)
    with pytest.raises(CallRefused) as refused:
        await dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert refused.value.code == "no_credit"


async def test_what_is_owed_and_what_others_may_use_is_not_lent_again(dialler: Dialler, sessions: Sessions) -> None:
    org = await poor(sessions, 20)
    # One call that took half a minute more than was paid, and one that may take a minute more.
    await settle(sessions, org, await fund_call(sessions, org, seconds=60), 60)
    await settle(sessions, org, await fund_call(sessions, org, seconds=60), 90)
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).owed() == 5_000
        # Credits that came in before repaying was thought of: put there without it.
        moves = {AccountKind.WALLET: 2 * MINUTE, AccountKind.FUNDING: -2 * MINUTE}
        await Ledger(unit).post("fund", "fund:old", moves)
        await unit.commit()
    await fund_call(sessions, org, seconds=60, credit=MINUTE)
    assert await placed(dialler, sessions, org) == (60 + 30, MINUTE, 5_000)


async def test_credits_that_come_in_meanwhile_lend_nothing_twice(dialler: Dialler, sessions: Sessions) -> None:
    org = await poor(sessions, 15)
    assert await placed(dialler, sessions, org) == (210, 15_000, 20_000)
    assert await top_up(Millicredits(15_000), "later", UnitOfWork(sessions, org.id))
    assert await placed(dialler, sessions, org) == (90, 15_000, 0)


@pytest.mark.parametrize(("credit", "outrun"), [(20_000, False), (20_001, True)])
async def test_what_was_lent_to_others_meanwhile_is_found_out(sessions: Sessions, credit: int, *, outrun: bool) -> None:
    """When the credits are reserved, and the wallet is locked, the bound is looked at again."""
    org = await poor(sessions, 20)
    await fund_call(sessions, org, seconds=60, credit=credit)
    async with UnitOfWork(sessions, org.id) as unit:
        with pytest.raises(Outrun) if outrun else nullcontext():
            await confirm(Conditions(LENT, Millicredits(MINUTE), LENT.credit), unit)


async def test_the_organisation_chooses(api: httpx.AsyncClient) -> None:
    path = "/api/settings/credits"
    assert data(await api.get(path)) == {"at_zero": "goodbye"}
    assert data(await api.put(path, json={"at_zero": "on_credit"})) == {"at_zero": "on_credit"}
    assert data(await api.get(path)) == {"at_zero": "on_credit"}
    problem(await api.put(path, json={"at_zero": "never"}), 400, "invalid_request")
