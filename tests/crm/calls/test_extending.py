"""Credits that come in mid-call: the calls last longer, the nodes are told, and nothing is reserved twice."""

import asyncio
from uuid import UUID

import httpx
from redis.asyncio import Redis

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.replay import replay
from crm.billing.top_up import top_up
from crm.bus import open_redis
from crm.calls.dial import DialRequest
from crm.calls.extending import Extended, extend_live_calls
from crm.calls.model import Call
from crm.calls.nodes import VoiceNodes
from crm.calls.store import CallStore
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.command import Command, Fund, FundsFor, Reply
from events.money import Millicredits, price_of_seconds
from tests.crm.billing.calls import PER_MINUTE, fund_call, settle
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data

MAX_S = 600


def take(order: Command) -> Reply:
    calls = tuple(one.call_id for one in order.body.calls) if isinstance(order.body, Fund) else ()
    return Reply(order.id, accepted=True, state="dialing", calls=calls)


async def call_of(sessions: Sessions, org: Org, call_id: UUID) -> Call:
    async with UnitOfWork(sessions, org.id) as unit:
        call = await CallStore(unit).get(call_id)
        assert call is not None
        return call


async def balances(sessions: Sessions, org: Org) -> dict[AccountKind, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).total() == 0
        assert await replay(unit) == []
        return await Ledger(unit).balances()


async def fund(sessions: Sessions, org: Org, credits_: int) -> None:
    await top_up(Millicredits(credits_ * 1_000), "later", UnitOfWork(sessions, org.id))


async def test_calls_that_would_end_share_what_came_in(sessions: Sessions, redis: Redis, node: FakeNode) -> None:
    node.answer = take
    org = await make_org(sessions, credit=125)
    nearly = await fund_call(sessions, org, seconds=580)  # needs 20 s more at most
    short = await fund_call(sessions, org, seconds=60)
    over = await fund_call(sessions, org, seconds=60)
    await settle(sessions, org, over, 60)
    await fund(sessions, org, 30)
    before = await balances(sessions, org)
    told = await extend_live_calls(org.id, MAX_S, sessions, VoiceNodes(redis))
    assert told == Extended(calls=2)
    [body] = [order.body for order in node.orders]
    assert isinstance(body, Fund)
    assert (body.org_id, set(body.calls)) == (org.id, {FundsFor(nearly, 600), FundsFor(short, 60 + 209)})
    after = await balances(sessions, org)
    moved = price_of_seconds(20, PER_MINUTE) + price_of_seconds(209, PER_MINUTE)
    assert before[AccountKind.WALLET] - after[AccountKind.WALLET] == moved
    assert after[AccountKind.HELD] - before[AccountKind.HELD] == moved
    call = await call_of(sessions, org, short)
    assert (call.funded_s, call.held == call.reserved) == (269, True)
    assert (await call_of(sessions, org, over)).funded_s == 60


async def test_what_was_reserved_in_vain_goes_back(sessions: Sessions, redis: Redis) -> None:
    """No node answers, or the call is over there: it ends when it would have ended anyway."""
    org = await make_org(sessions, credit=10)
    call_id = await fund_call(sessions, org, seconds=60)
    await fund(sessions, org, 40)
    async with FakeNode(redis, "key", answer=lambda order: Reply(order.id, accepted=True)).running():
        told = await extend_live_calls(org.id, MAX_S, sessions, VoiceNodes(redis))
    assert told == Extended(unreached=1)
    await settle(sessions, org, call_id, 60)
    assert await balances(sessions, org) == {
        AccountKind.WALLET: 40_000,
        AccountKind.HELD: 0,
        AccountKind.REVENUE: 10_000,
        AccountKind.FUNDING: -50_000,
        AccountKind.SHORTFALL: 0,
    }


async def test_two_that_extend_at_once_reserve_no_second_twice(
    sessions: Sessions, redis: Redis, node: FakeNode
) -> None:
    node.answer = take
    org = await make_org(sessions, credit=10)
    call_id = await fund_call(sessions, org, seconds=60)
    await fund(sessions, org, 200)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(extend_live_calls(org.id, MAX_S, sessions, VoiceNodes(redis)))
    call = await call_of(sessions, org, call_id)
    assert (call.funded_s, call.reserved) == (600, 100_000)
    assert (await balances(sessions, org))[AccountKind.WALLET] == 110_000


async def test_a_top_up_extends_a_call_that_was_dialled_with_little(
    client: httpx.AsyncClient, resources: Resources, node: FakeNode, sessions: Sessions
) -> None:
    node.answer = take
    org = await make_org(sessions, credit=11)
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert (await call_of(sessions, org, answer.call_id)).funded_s == 66
    operator = {"Authorization": f"Bearer {resources.internal_key}"}
    body = {"amount": 10_000, "reference": "invoice-1"}
    path = f"/internal/organisations/{org.id}/credits"
    told = data(await client.post(path, json=body, headers=operator), 201)
    assert told["calls_extended"] == 1
    assert node.orders[-1].body == Fund(org.id, (FundsFor(answer.call_id, 126),))
    again = data(await client.post(path, json=body, headers=operator))
    assert (again["booked"], again["calls_extended"]) == (False, 0)


async def test_with_redis_away_the_calls_end_as_they_would_have(sessions: Sessions) -> None:
    """What was reserved for them comes back with their settlement."""
    org = await make_org(sessions, credit=10)
    call_id = await fund_call(sessions, org, seconds=60)
    await fund(sessions, org, 20)
    nowhere = open_redis("redis://127.0.0.1:1/0")
    assert await extend_live_calls(org.id, MAX_S, sessions, VoiceNodes(nowhere)) == Extended(unreached=1)
    await nowhere.aclose()
    await settle(sessions, org, call_id, 60)
    assert (await balances(sessions, org))[AccountKind.WALLET] == 20_000
