"""What the CRM decides of calls that come in."""

import asyncio

import httpx
import pytest
from sqlalchemy import select

from crm.agents.model import Agent
from crm.billing.ledger import Ledger
from crm.billing.replay import replay
from crm.calls.model import Call, PendingDial
from crm.compliance.model import Decision
from crm.consents.model import Consent
from crm.database import Sessions, utc_now
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.outbox.model import OutboxEvent
from crm.phone_numbers.callers import WITHHELD_NAME
from crm.phone_numbers.usecases import NumberFields, add_number
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.incoming import INCOMING_PATH, GivenUp, IncomingQuestion, NotTaken
from events.plan import Route
from tests.crm.conftest import CREDITS, NUMBER, Org, make_org
from tests.crm.phone_numbers.ringing import our_number

CALLER = "+12025550143"


@pytest.fixture(name="org")
async def _org(sessions: Sessions) -> Org:
    return await with_number(await make_org(sessions), sessions)


async def with_number(org: Org, sessions: Sessions, **fields: object) -> Org:
    await add_number(our_number(org), NumberFields(**fields), UnitOfWork(sessions, org.id))  # type: ignore[arg-type]
    return org


def rings(org: Org, caller: str = CALLER, sid: str = "") -> IncomingQuestion:
    return IncomingQuestion("node-a", "twilio", sid or f"CA{new_id().hex}", our_number(org), caller)


async def calls_of(sessions: Sessions, org: Org) -> list[Call]:
    async with UnitOfWork(sessions, org.id) as unit:
        return list(await unit.session.scalars(select(Call).where(Call.org_id == org.id)))


async def decisions_of(sessions: Sessions, org: Org) -> list[Decision]:
    async with UnitOfWork(sessions, org.id) as unit:
        return list(await unit.session.scalars(select(Decision).where(Decision.org_id == org.id)))


async def wallet_of(sessions: Sessions, org: Org) -> int:
    async with UnitOfWork(sessions, org.id) as unit:
        assert await replay(unit) == []
        return await Ledger(unit).wallet()


async def test_a_call_is_written_down_and_planned(resources: Resources, sessions: Sessions, org: Org) -> None:
    answer = await resources.reception.take(rings(org, NUMBER, "CA1"))
    (call,) = await calls_of(sessions, org)
    assert answer.plan is not None
    assert (answer.call_id, answer.funded_s, answer.node) == (call.id, call.funded_s, "node-a")
    assert answer.plan.inbound is not None
    assert (answer.plan.inbound.carrier_call_id, answer.plan.inbound.route) == ("CA1", Route.AGENT)
    assert (call.lead_id, call.number, call.our_number) == (org.lead_id, NUMBER, our_number(org))
    assert (call.direction, call.node, call.carrier_call_id) == ("inbound", "node-a", "CA1")
    assert call.reserved > 0
    (decision,) = await decisions_of(sessions, org)
    assert (decision.allowed, decision.inputs["direction"], call.decision_id) == (True, "inbound", decision.id)
    assert await wallet_of(sessions, org) == CREDITS * 1_000 - call.reserved


async def test_asked_again_or_twice_at_once_it_is_one_call(resources: Resources, sessions: Sessions, org: Org) -> None:
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(resources.reception.take(rings(org, CALLER, "CA1"))) for _ in range(4)]
    answers = [task.result() for task in asking]
    (call,) = await calls_of(sessions, org)
    assert [answer.plan is not None for answer in answers].count(True) == 1
    assert {(answer.call_id, answer.node, answer.refused) for answer in answers} == {(call.id, "node-a", "")}
    assert await wallet_of(sessions, org) == CREDITS * 1_000 - call.reserved


async def test_a_call_that_is_over_is_not_begun_again(resources: Resources, sessions: Sessions, org: Org) -> None:
    taken = await resources.reception.take(rings(org, CALLER, "CA1"))
    assert taken.call_id is not None
    await resources.reception.give_up(GivenUp(org.id, taken.call_id, "speech_away"))
    again = await resources.reception.take(rings(org, CALLER, "CA1"))
    assert (again.refused, again.plan) == (NotTaken.CALL_OVER, None)
    (call,) = await calls_of(sessions, org)
    assert (call.state, call.reason) == ("failed", "speech_away")
    assert await wallet_of(sessions, org) == CREDITS * 1_000, "given back at once"
    async with UnitOfWork(sessions) as unit:
        assert await unit.session.get(PendingDial, call.id) is None


async def test_an_unknown_caller_becomes_a_lead_once(resources: Resources, sessions: Sessions, org: Org) -> None:
    one, other = [await resources.reception.take(rings(org)) for _ in range(2)]
    assert one.plan is not None
    assert other.plan is not None
    assert one.plan.prospect.lead_id == other.plan.prospect.lead_id
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, one.plan.prospect.lead_id))
        (event,) = await unit.session.scalars(select(OutboxEvent.body).where(OutboxEvent.kind == "lead.created"))
    assert (lead.name, lead.phone, lead.source) == (CALLER, CALLER, "incoming")
    assert event == {"lead_id": str(lead.id), "status": "novo", "source": "incoming"}


async def test_a_withheld_number_is_nobodys(resources: Resources, sessions: Sessions, org: Org) -> None:
    taken = await resources.reception.take(rings(org, "anonymous"))
    assert taken.plan is not None
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, taken.plan.prospect.lead_id))
        assert (lead.name, lead.phone) == (WITHHELD_NAME, None)
        await LeadStore(unit).stop_calling("", utc_now(), taken.call_id)
        await unit.commit()
    async with UnitOfWork(sessions, org.id) as unit:
        assert (await unit.session.scalars(select(Consent).where(Consent.org_id == org.id))).all() == []


async def test_who_asked_not_to_be_called_may_call(resources: Resources, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await LeadStore(unit).stop_calling(NUMBER, utc_now())
        await unit.commit()
    assert (await resources.reception.take(rings(org, NUMBER))).plan is not None


async def test_nobody_has_the_number(resources: Resources, org: Org) -> None:
    for to in ("+12029999999", "", "sip:desk@example.com"):
        question = IncomingQuestion("node-a", "twilio", "CA1", to, CALLER)
        assert (await resources.reception.take(question)).refused == NotTaken.NUMBER_UNKNOWN


async def test_a_number_that_is_off(resources: Resources, sessions: Sessions) -> None:
    org = await with_number(await make_org(sessions), sessions, enabled=False)
    assert (await resources.reception.take(rings(org))).refused == NotTaken.NUMBER_OFF
    assert await calls_of(sessions, org) == []


async def test_without_credits_the_refusal_is_stored(resources: Resources, sessions: Sessions) -> None:
    org = await with_number(await make_org(sessions, credit=0), sessions)
    assert (await resources.reception.take(rings(org))).refused == NotTaken.NO_CREDIT
    (decision,) = await decisions_of(sessions, org)
    assert (decision.allowed, decision.reasons, decision.call_id) == (False, ["no_credit"], None)
    assert await calls_of(sessions, org) == []


async def test_without_an_agent_nobody_answers(resources: Resources, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        agent = await unit.session.get_one(Agent, (org.id, org.agent_id))
        agent.playbook = "nowhere"
        await unit.commit()
    assert (await resources.reception.take(rings(org))).refused == NotTaken.NO_AGENT
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Agent, (org.id, org.agent_id))).active = False
        await unit.commit()
    assert (await resources.reception.take(rings(org))).refused == NotTaken.NO_AGENT
    assert await calls_of(sessions, org) == []


async def test_only_our_own_nodes_ask(client: httpx.AsyncClient) -> None:
    assert (await client.post(INCOMING_PATH, json={})).status_code == 401
