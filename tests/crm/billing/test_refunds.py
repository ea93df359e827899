"""Refunds: bound by what was charged, once for each key, back to whom the credits came from."""

import asyncio
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from config.settings import Settings
from crm.app import create_app
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.refunds import CallNotSettled, RefundRequest, RefundTooLarge, refund_call
from crm.billing.replay import replay
from crm.calls.summary import CallNotFound
from crm.database import Sessions
from crm.resources import Resources, open_resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits
from tests.crm.billing.calls import fund_call, settle, settled_call
from tests.crm.conftest import Org, make_org, token_of
from tests.crm.test_api import data, problem

CHARGED = 10_000  # one minute
WALLET, REVENUE, SHORTFALL = AccountKind.WALLET, AccountKind.REVENUE, AccountKind.SHORTFALL


async def refund(sessions: Sessions, org: Org, call_id: UUID, amount: int | None = None) -> int:
    asked = RefundRequest("bad line", None if amount is None else Millicredits(amount))
    return (await refund_call(call_id, asked, UnitOfWork(sessions, org.id))).amount


async def balances(sessions: Sessions, org: Org) -> dict[AccountKind, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        ledger = Ledger(unit)
        assert await ledger.total() == 0
        assert await replay(unit) == []
        return await ledger.balances()


async def test_parts_and_then_the_rest_and_no_more(sessions: Sessions, org: Org) -> None:
    call_id = await settled_call(sessions, org)
    before = await balances(sessions, org)
    assert await refund(sessions, org, call_id, 4_000) == 4_000
    with pytest.raises(RefundTooLarge) as caught:
        await refund(sessions, org, call_id, 6_001)
    assert caught.value.details == {"charged": CHARGED, "refunded": 4_000, "left": 6_000}
    assert await refund(sessions, org, call_id) == 6_000
    with pytest.raises(RefundTooLarge):
        await refund(sessions, org, call_id)
    after = await balances(sessions, org)
    assert after[WALLET] - before[WALLET] == CHARGED
    assert before[REVENUE] - after[REVENUE] == CHARGED


async def test_many_refunds_at_once_give_back_what_was_charged_once(sessions: Sessions, org: Org) -> None:
    call_id = await settled_call(sessions, org)
    before = await balances(sessions, org)

    async def ask() -> int:
        try:
            return await refund(sessions, org, call_id, 3_000)
        except RefundTooLarge:
            return 0

    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(ask()) for _ in range(10)]
    assert sorted(attempt.result() for attempt in tries) == [0] * 7 + [3_000] * 3
    assert (await balances(sessions, org))[WALLET] - before[WALLET] == 9_000


async def test_what_was_never_paid_is_not_given_back(sessions: Sessions) -> None:
    """A call that cost more than there was: the refund makes up for the shortfall first."""
    org = await make_org(sessions, credit=5)
    call_id = await fund_call(sessions, org, seconds=30)
    await settle(sessions, org, call_id, 60)
    assert (await balances(sessions, org))[SHORTFALL] == -5_000
    await refund(sessions, org, call_id)
    after = await balances(sessions, org)
    assert (after[WALLET], after[SHORTFALL], after[REVENUE]) == (5_000, 0, 0)


async def test_a_call_that_is_not_settled_or_not_there(sessions: Sessions, org: Org) -> None:
    with pytest.raises(CallNotSettled):
        await refund(sessions, org, await fund_call(sessions, org))
    with pytest.raises(CallNotFound):
        await refund(sessions, org, new_id())
    foreign = await settled_call(sessions, await make_org(sessions))
    with pytest.raises(CallNotFound):
        await refund(sessions, org, foreign)


async def test_only_the_operator_refunds_unless_told_otherwise(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org, resources: Resources
) -> None:
    call_id = await settled_call(sessions, org)
    body, key = {"reason": "bad line"}, {"Idempotency-Key": "one"}
    problem(await api.post(f"/api/calls/{call_id}/refunds", json=body, headers=key), 403, "refunds_by_operator")
    path = f"/internal/organisations/{org.id}/calls/{call_id}/refunds"
    problem(await client.post(path, json=body, headers=key), 401, "not_signed_in")
    operator = key | {"Authorization": f"Bearer {resources.internal_key}"}
    given = data(await client.post(path, json=body, headers=operator), 201)
    assert (given["amount"], given["reason"], given["call_id"]) == (CHARGED, "bad line", str(call_id))
    assert data(await client.post(path, json=body, headers=operator), 201) == given, "the same key, the same answer"
    told = data(await api.get(f"/api/calls/{call_id}"))["ledger"]
    assert (told["settled"], told["refunded"]) == (CHARGED, CHARGED)


async def test_an_admin_who_may(sessions: Sessions, org: Org, settings: Settings, redis: Redis) -> None:
    """One key is one refund, also when two requests with it come at once."""
    call_id = await settled_call(sessions, org)
    held = open_resources(settings.model_copy(update={"admins_refund": True}))
    app: FastAPI = create_app(settings, held)
    headers = {"Authorization": f"Bearer {token_of(org, settings)}"}
    path, body = f"/api/calls/{call_id}/refunds", {"reason": "sorry", "amount": 2_000}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers
    ) as admin:
        assert problem(await admin.post(path, json=body), 400, "key_required") == {}
        for bad in ({"reason": " "}, {"reason": "x", "amount": 0}, {"reason": "x", "amount": -1}, {"amount": 1}):
            problem(await admin.post(path, json=bad, headers={"Idempotency-Key": "a"}), 400, "invalid_request")
        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(admin.post(path, json=body, headers={"Idempotency-Key": "b"})) for _ in range(2)]
        first, second = (data(one.result(), 201) for one in both)
    await held.aclose()
    assert first == second
    assert (await balances(sessions, org))[REVENUE] == CHARGED - 2_000
