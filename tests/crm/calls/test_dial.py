"""Placing a call: the gate, the money, the permit, and what every answer of a node leads to."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import select

from config.settings import Settings
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls import nodes as nodes_module
from crm.calls.dial import ELSEWHERE, DialAnswer, DialRequest
from crm.calls.model import Call, PendingDial
from crm.calls.planning import plan_call
from crm.compliance.model import Decision
from crm.database import Sessions
from crm.idempotency.keys import Attempt
from crm.leads.model import Lead
from crm.refusals import Refusal
from crm.resources import Resources, open_resources
from crm.unit_of_work import UnitOfWork
from events.command import Dial
from events.money import Millicredits
from events.permit import Purpose
from events.plan import CallPlan
from tests.crm.conftest import CREDITS, NUMBER, Org, make_org
from tests.crm.fake_node import FakeNode, accept, refuse, stay_silent

MILLI = CREDITS * 1_000
RESERVED = 300_000  # 30 minutes at 10 credits


async def only_call(sessions: Sessions, org: Org) -> Call:
    async with UnitOfWork(sessions, org.id) as unit:
        return (await unit.session.scalars(select(Call))).one()


async def count(sessions: Sessions, org: Org, model: Any) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        return len((await unit.session.scalars(select(model).where(model.org_id == org.id))).all())


async def wallet(sessions: Sessions, org: Org) -> tuple[int, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        ledger = Ledger(unit)
        assert await ledger.total() == 0
        found = await ledger.balances()
    return found[AccountKind.WALLET], found[AccountKind.HELD]


async def refused_code(resources: Resources, request: DialRequest, org: Org) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await resources.dialler.dial(request, org.id)
    return refusal.value


async def test_a_call_is_placed(resources: Resources, node: FakeNode, sessions: Sessions, org: Org) -> None:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)

    call = await only_call(sessions, org)
    assert answer == DialAnswer(call.id, org.lead_id, "dialing", confirmed=True)
    assert (call.state, call.node, call.funded_s) == ("queued", "node-a", 1800)
    assert (call.reserved, call.held, call.balance_before) == (RESERVED, RESERVED, MILLI)
    assert await wallet(sessions, org) == (MILLI - RESERVED, RESERVED)
    [permit] = node.permits()
    assert (permit.org_id, permit.call_id, permit.number) == (org.id, call.id, NUMBER)
    assert (permit.purpose, permit.funded_s) == (Purpose.PROSPECT, 1800)
    assert permit.expires_at - permit.issued_at == 60
    [order] = node.orders
    assert isinstance(order.body, Dial)
    plan = order.body.plan
    assert (plan.call_id, plan.agent.name, plan.prospect.lead_id) == (call.id, "Alex", org.lead_id)
    assert plan.playbook == {"name": "meeting", "steps": []}
    assert plan.variables["prospect_name"] == "Dana"
    assert plan.max_duration_s == 1800
    async with UnitOfWork(sessions, org.id) as unit:
        decision = (await unit.session.scalars(select(Decision))).one()
        assert await unit.session.get(PendingDial, call.id) is not None, "a release is due if nobody speaks for it"
    assert (decision.id, decision.allowed, decision.reasons) == (permit.decision_id, True, [])
    assert decision.inputs["fundable_s"] == 1800


async def test_a_small_wallet_funds_a_short_call(resources: Resources, node: FakeNode, sessions: Sessions) -> None:
    org = await make_org(sessions, credit=11.5)
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert node.permits()[0].funded_s == 69
    assert await wallet(sessions, org) == (0, 11_500)


async def test_a_number_without_a_lead_makes_one(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    first = await resources.dialler.dial(DialRequest(number="+1 (415) 555-0163"), org.id)
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, first.lead_id))
    assert (lead.phone, lead.pipeline, lead.status) == ("+14155550163", "novos-leads", "novo")
    node.answer = refuse("node_full")  # the wallet has no second half hour; the lead is found all the same
    second = await refused_code(resources, DialRequest(number="+14155550163"), org)
    assert second.code == "node_refused"
    assert await count(sessions, org, Lead) == 2


async def test_an_existing_leads_number_finds_it(resources: Resources, node: FakeNode, org: Org) -> None:
    answer = await resources.dialler.dial(DialRequest(number=NUMBER), org.id)
    assert answer.lead_id == org.lead_id


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda org: DialRequest(lead_id=org.user_id), "lead_not_found"),
        (lambda org: DialRequest(number="+12345"), "number_invalid"),
        (lambda org: DialRequest(number="911"), "number_kind_refused"),
        (lambda org: DialRequest(number="+4930123456"), "country_not_allowed"),
    ],
)
async def test_the_gate_refuses_and_says_why(
    request_of: Callable[[Org], DialRequest],
    code: str,
    resources: Resources,
    node: FakeNode,
    sessions: Sessions,
    org: Org,
) -> None:
    refusal = await refused_code(resources, request_of(org), org)
    assert refusal.code == code
    async with UnitOfWork(sessions, org.id) as unit:
        decision = (await unit.session.scalars(select(Decision))).one()
    assert (decision.allowed, decision.reasons, decision.call_id) == (False, [code], None)
    assert await count(sessions, org, Call) == 0
    assert await count(sessions, org, Lead) == 1
    assert await wallet(sessions, org) == (MILLI, 0)
    assert node.orders == []


async def test_do_not_call_holds_for_the_number_not_the_lead(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(Lead(org_id=org.id, name="Dana again", phone=NUMBER, do_not_call=True))
        await unit.commit()
    assert (await refused_code(resources, DialRequest(lead_id=org.lead_id), org)).code == "do_not_call"
    assert (await refused_code(resources, DialRequest(number=NUMBER), org)).code == "do_not_call"
    assert node.orders == []


async def test_an_empty_wallet_refuses(resources: Resources, node: FakeNode, sessions: Sessions) -> None:
    org = await make_org(sessions, credit=9.999)
    assert (await refused_code(resources, DialRequest(lead_id=org.lead_id), org)).code == "no_credit"


async def test_two_dials_share_the_last_credits(resources: Resources, node: FakeNode, sessions: Sessions) -> None:
    org = await make_org(sessions, credit=15)
    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(_code(resources, DialRequest(lead_id=org.lead_id), org)) for _ in range(5)]
    assert sorted(attempt.result() for attempt in tries) == ["no_credit"] * 4 + ["placed"]
    assert await wallet(sessions, org) == (0, 15_000)


async def _code(resources: Resources, request: DialRequest, org: Org) -> str:
    try:
        await resources.dialler.dial(request, org.id)
    except Refusal as refusal:
        return refusal.code
    return "placed"


async def test_a_dial_that_is_decided_keeps_no_other_from_the_wallet(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others spend from it meanwhile: then it is decided again, on what is left."""
    spent: list[bool] = []

    async def spend_first(*args: Any, **named: Any) -> CallPlan:
        made = await plan_call(*args, **named)
        if not spent:
            spent.append(True)
            async with UnitOfWork(sessions, org.id) as unit:
                await Ledger(unit).debit(Millicredits(MILLI - 25_000), "debit", "meanwhile")
                await unit.commit()
        return made

    monkeypatch.setattr("crm.calls.dial.plan_call", spend_first)
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    call = await only_call(sessions, org)
    assert (call.balance_before, call.reserved, call.funded_s) == (25_000, 25_000, 150)
    assert await wallet(sessions, org) == (0, 25_000)


async def test_a_node_that_refuses_costs_nothing(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    node.answer = refuse("permit_spent")
    refusal = await refused_code(resources, DialRequest(lead_id=org.lead_id), org)
    assert (refusal.code, refusal.details["reason"]) == ("node_refused", "permit_spent")
    call = await only_call(sessions, org)
    assert (call.state, call.outcome, call.reason, call.closed) == ("failed", "refused", "permit_spent", True)
    assert (call.held, call.charged, call.balance_after) == (0, 0, MILLI)
    assert await wallet(sessions, org) == (MILLI, 0)


async def test_no_node_alive(resources: Resources, sessions: Sessions, org: Org) -> None:
    assert (await refused_code(resources, DialRequest(lead_id=org.lead_id), org)).code == "no_voice_node"
    call = await only_call(sessions, org)
    assert (call.state, call.outcome, call.reason) == ("failed", "service_failure", "no_voice_node")
    assert await wallet(sessions, org) == (MILLI, 0)


async def test_full_and_draining_nodes_are_passed_over(redis: Redis, resources: Resources) -> None:
    key = resources.secret_key
    await FakeNode(redis, key, name="full").announce(calls=10, capacity=10)
    await FakeNode(redis, key, name="draining").announce(draining=True)
    await redis.set("node:garbage", b"\xff")
    with pytest.raises(Refusal, match="no_voice_node"):
        await resources.nodes.least_loaded()
    await FakeNode(redis, key, name="half").announce(calls=5, capacity=10)
    await FakeNode(redis, key, name="big").announce(calls=6, capacity=100)
    assert await resources.nodes.least_loaded() == "big"


async def test_the_least_loaded_node_is_chosen_by_load_too(redis: Redis, resources: Resources) -> None:
    key = resources.secret_key
    await FakeNode(redis, key, name="a").announce(calls=1, capacity=10, load=0.9)
    await FakeNode(redis, key, name="b").announce(calls=5, capacity=10, load=0.3)
    await FakeNode(redis, key, name="c").announce(refuses="node_overloaded")
    assert await resources.nodes.least_loaded() == "b"
    assert await resources.nodes.least_loaded(["b"]) == "a"
    with pytest.raises(Refusal, match="no_voice_node") as refusal:
        await resources.nodes.least_loaded(["a", "b"])
    assert refusal.value.details["nodes"]["node_overloaded"] == 1


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
async def test_a_node_without_room_after_all_sends_the_call_to_the_next(
    code: str, redis: Redis, resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    node.answer = refuse(code)
    async with FakeNode(redis, resources.secret_key, name="node-b").running() as other:
        answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert answer.confirmed
    assert (await only_call(sessions, org)).node == "node-b"
    assert node.permits() == other.permits(), "one permit, so that no two nodes can both dial on it"
    assert node.orders[0].id != other.orders[0].id
    assert await wallet(sessions, org) == (MILLI - RESERVED, RESERVED)


@pytest.mark.parametrize("code", ["permit_spent", "do_not_call", "crm_away", "bad_plan", "late"])
async def test_a_refusal_that_may_have_touched_the_permit_is_the_last_word(
    code: str, redis: Redis, resources: Resources, node: FakeNode, org: Org
) -> None:
    node.answer = refuse(code)
    async with FakeNode(redis, resources.secret_key, name="node-b").running() as other:
        refusal = await refused_code(resources, DialRequest(lead_id=org.lead_id), org)
    assert refusal.details["reason"] == code
    assert other.orders == []


async def test_after_a_silent_node_nobody_else_is_asked(
    redis: Redis, resources: Resources, node: FakeNode, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_module, "REPLY_TIMEOUT_S", 0.2)
    node.answer = stay_silent
    async with FakeNode(redis, resources.secret_key, name="node-b").running() as other:
        answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert not answer.confirmed
    assert other.orders == [], "the first may yet place it"


async def test_where_no_node_has_room_the_same_attempt_may_be_made_again(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org
) -> None:
    request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
    node.answer = refuse("node_overloaded")
    assert (await refused_code(resources, request, org)).details["reason"] == "node_overloaded"
    assert await wallet(sessions, org) == (MILLI, 0)
    node.answer = accept
    assert (await resources.dialler.dial(request, org.id)).confirmed
    assert len(node.orders) == 2


async def test_a_silent_node_leaves_the_call_queued(
    resources: Resources, node: FakeNode, sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes_module, "REPLY_TIMEOUT_S", 0.2)
    node.answer = stay_silent
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    assert (answer.state, answer.confirmed) == ("queued", False)
    assert await wallet(sessions, org) == (MILLI - RESERVED, RESERVED), "it may yet be dialled"


async def test_redis_away_means_no_dial(settings: Settings, config_folder: Path, sessions: Sessions, org: Org) -> None:
    nowhere = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    resources = open_resources(nowhere, config_folder)
    try:
        assert (await refused_code(resources, DialRequest(lead_id=org.lead_id), org)).code == "redis_away"
    finally:
        await resources.aclose()
    assert (await only_call(sessions, org)).state == "failed"
    assert await wallet(sessions, org) == (MILLI, 0)


@pytest.mark.parametrize("content", [None, "- a list", "a: [", "1: x"])
async def test_a_bad_playbook_calls_nobody(
    content: str | None, resources: Resources, node: FakeNode, sessions: Sessions, org: Org, config_folder: Path
) -> None:
    path = config_folder / "playbooks" / "meeting.yaml"
    path.unlink()
    if content is not None:
        path.write_text(content)
    refusal = await refused_code(resources, DialRequest(lead_id=org.lead_id), org)
    assert (refusal.code, refusal.details["playbook"]) == ("playbook_unusable", "meeting")
    assert await wallet(sessions, org) == (MILLI, 0)
    assert node.orders == []


class TestIdempotency:
    async def test_the_same_attempt_dials_once(
        self, resources: Resources, node: FakeNode, sessions: Sessions, org: Org
    ) -> None:
        request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
        first = await resources.dialler.dial(request, org.id)
        assert await resources.dialler.dial(request, org.id) == first
        assert len(node.orders) == 1
        assert await count(sessions, org, Call) == 1

    async def test_at_the_same_time_too(
        self, resources: Resources, node: FakeNode, sessions: Sessions, org: Org
    ) -> None:
        request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
        async with asyncio.TaskGroup() as tasks:
            tries = [tasks.create_task(resources.dialler.dial(request, org.id)) for _ in range(8)]
        assert len({attempt.result() for attempt in tries}) == 1
        assert len(node.orders) == 1

    async def test_another_body_is_refused(self, resources: Resources, node: FakeNode, org: Org) -> None:
        await resources.dialler.dial(DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "one")), org.id)
        other = DialRequest(number=NUMBER, attempt=Attempt("key", "two"))
        assert (await refused_code(resources, other, org)).code == "idempotency_key_reused"

    async def test_a_refusal_is_answered_again(self, resources: Resources, sessions: Sessions, org: Org) -> None:
        request = DialRequest(number="911", attempt=Attempt("key", "body"))
        first = await refused_code(resources, request, org)
        again = await refused_code(resources, request, org)
        assert (again.code, again.details) == (first.code, first.details)
        assert await count(sessions, org, Decision) == 1

    async def test_a_nodes_refusal_is_answered_again(self, resources: Resources, node: FakeNode, org: Org) -> None:
        node.answer = refuse("bad_plan")
        request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
        assert (await refused_code(resources, request, org)).details["reason"] == "bad_plan"
        assert (await refused_code(resources, request, org)).details["reason"] == "bad_plan"
        assert len(node.orders) == 1

    async def test_an_attempt_that_came_to_nothing_may_be_made_again(
        self, resources: Resources, redis: Redis, org: Org
    ) -> None:
        request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
        assert (await refused_code(resources, request, org)).code == "no_voice_node"
        async with FakeNode(redis, resources.secret_key).running() as node:
            answer = await resources.dialler.dial(request, org.id)
        assert answer.confirmed
        assert len(node.orders) == 1

    async def test_keys_are_an_organisations_own(
        self, resources: Resources, node: FakeNode, sessions: Sessions, org: Org
    ) -> None:
        other = await make_org(sessions)
        attempt = Attempt("key", "body")
        first = await resources.dialler.dial(DialRequest(lead_id=org.lead_id, attempt=attempt), org.id)
        second = await resources.dialler.dial(DialRequest(lead_id=other.lead_id, attempt=attempt), other.id)
        assert first.call_id != second.call_id
