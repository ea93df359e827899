"""Takes a call that comes in: whose number, who calls, credits, plan, all in one transaction; or says why not.

Nothing is dialled, so nobody's permit is asked, nor what the hour is: who rings us wants to talk now, and may though
they asked not to be rung. What is decided is stored as every decision is. A carrier that asks again about a call gets
the same answer, and the call is there once.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from crm.agents.model import Agent
from crm.agents.started import NeedsModel, start_agent
from crm.agents.store import AgentStore
from crm.billing.call_money import reserve_call
from crm.billing.conditions import ConditionStore
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.prices import Resource
from crm.calls.grant import Grant, Outrun, confirm, grant
from crm.calls.model import Call, Direction
from crm.calls.planning import plan_call, put_down
from crm.calls.playbooks import PlaybookUnusable, read_playbook
from crm.calls.release import release_call
from crm.calls.terms import Terms
from crm.compliance.gate import e164
from crm.compliance.model import Decision
from crm.database import Sessions, utc_now
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.leads.telling import tell_created
from crm.phone_numbers.callers import WITHHELD_NAME, caller_number
from crm.phone_numbers.model import PhoneNumber
from crm.phone_numbers.store import NumberStore, owner_of
from crm.pipelines.places import place_of_new
from crm.prompts.book import PromptBook
from crm.providers.usecases import KeyBlocked
from crm.queues.plans import queue_in_plan, rep_in_plan
from crm.unit_of_work import UnitOfWork
from events import plan
from events.call import Outcome
from events.ids import new_id
from events.incoming import DEFAULT_LANGUAGE, GivenUp, IncomingAnswer, IncomingQuestion, NotTaken
from events.queue import QueuePlan, Then

DECISIONS_MAX: Final = 3  # on a wallet that others empty meanwhile; for the last they have to wait
REP_RINGS_S: Final = 40  # as long as people let it ring whom they want to reach
LEAD_SOURCE: Final = "incoming"
SAME_CALL: Final = "carrier_call_id"  # in the unique key's name, which each partition has its own of

log = structlog.get_logger()


class _NotTaken(Exception):
    def __init__(self, reason: NotTaken, language: str = DEFAULT_LANGUAGE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.language = language


@dataclass(frozen=True, slots=True)
class Reception:
    sessions: Sessions
    terms: Terms
    prompts: PromptBook

    async def take(self, question: IncomingQuestion) -> IncomingAnswer:
        """Return the plan of a call that is to be taken, who holds it already, or why it is not."""
        ours = e164(question.to_number.strip())
        org_id = await owner_of(ours, self.sessions) if ours is not None else None
        if ours is None or org_id is None:
            return _refused(_NotTaken(NotTaken.NUMBER_UNKNOWN), question)
        for tries_left in reversed(range(DECISIONS_MAX)):
            async with UnitOfWork(self.sessions, org_id) as unit:
                known = await _known(question, unit)
                if known is not None:
                    return known
                try:
                    return await self._decide(question, ours, unit, is_last=not tries_left)
                except _NotTaken as error:
                    return _refused(error, question)
                except (NoCredit, Outrun):
                    continue  # others were quicker: decide on what is left
                except IntegrityError as error:
                    if SAME_CALL not in str(error.orig):
                        raise
                    # The carrier asked twice at once, and the other one was quicker: the next look finds its call.
        return _refused(_NotTaken(NotTaken.NO_CREDIT), question)

    async def give_up(self, given: GivenUp) -> None:
        """A node that was to take a call cannot: give back what is reserved. The node's own word goes before it."""
        async with UnitOfWork(self.sessions, given.org_id) as unit:
            await release_call(unit, given.call_id, Outcome.SERVICE_FAILURE, given.reason)
            await unit.commit()

    async def _decide(
        self, question: IncomingQuestion, ours: str, unit: UnitOfWork, *, is_last: bool
    ) -> IncomingAnswer:
        """Raises _NotTaken, NoCredit, Outrun, IntegrityError: nothing is written then, but a refusal's decision."""
        number = await NumberStore(unit).named(ours)
        if number is None or not number.enabled:
            raise _NotTaken(NotTaken.NUMBER_OFF)
        agent = await AgentStore(unit).for_call(number.agent_id) or await AgentStore(unit).for_call(None)
        if agent is None:
            raise _NotTaken(NotTaken.NO_AGENT)
        ledger = Ledger(unit)
        balance = await ledger.lock_wallet() if is_last else await ledger.wallet()
        conditions = await ConditionStore(unit).read(self.terms.tariff, Resource.INBOUND_MINUTE, utc_now())
        granted = await grant(balance, conditions, self.terms.max_call_s, unit)
        caller = caller_number(question.from_number)
        reasons = self._against(granted, conditions.plan.concurrent_calls)
        lead = await LeadStore(unit).newest_with_phone(caller) if caller else None
        call_id = new_id()
        if reasons:
            await _record(question, caller, lead, None, granted, reasons, unit)
            await unit.commit()
            raise _NotTaken(reasons[0], agent.language)
        lead = lead or await _new_lead(caller, unit)
        money = {
            "funded_s": granted.seconds,
            "price_per_minute": conditions.price,
            "reserved": granted.paid.amount,
            "held": granted.paid.amount,
            "credit": granted.on_credit.amount,
            "balance_before": balance,
        }
        decision_id = await _record(question, caller, lead, call_id, granted, [], unit)
        what = {"number": caller, "our_number": ours, "decision_id": decision_id, **money}
        try:
            call, call_plan = await self._planned(call_id, question, number, agent, lead, what, unit)
        except (PlaybookUnusable, NeedsModel, KeyBlocked) as error:
            log.warning("incoming.agent_unusable", agent=str(agent.id), code=error.code)
            raise _NotTaken(NotTaken.NO_AGENT, agent.language) from None
        await reserve_call(call, ledger)
        await confirm(conditions, unit)
        call.balance_before = await ledger.wallet() + call.reserved
        await unit.commit()
        log.info("incoming.taken", call_id=str(call_id), node=question.node, route=number.route)
        return IncomingAnswer(call_id, call_plan, call.funded_s, question.node, language=agent.language)

    async def _planned(
        self,
        call_id: UUID,
        question: IncomingQuestion,
        number: PhoneNumber,
        agent: Agent,
        lead: Lead,
        what: dict[str, Any],
        unit: UnitOfWork,
    ) -> tuple[Call, plan.CallPlan]:
        """Write the call down, with what is known of it already. Raises PlaybookUnusable, NeedsModel, KeyBlocked."""
        playbook = await asyncio.to_thread(read_playbook, self.terms.playbooks, agent.playbook)
        started = await start_agent(agent, call_id, unit, self.prompts)
        call = Call(
            org_id=unit.org_id,
            id=call_id,
            lead_id=lead.id,
            agent_id=agent.id,
            agent=started.record(),
            prompt_id=agent.prompt_id,
            prompt_version=started.prompt.number if started.prompt is not None else "",
            prompt_follows=started.follows,
            direction=Direction.INBOUND.value,
            node=question.node,
            carrier=question.carrier,
            carrier_call_id=question.carrier_call_id,
            **what,
        )
        put_down(call, unit)
        inbound, queue = _inbound(question, number), await _queue(number, unit)
        return call, await plan_call(call, lead, started, playbook, unit, self.terms, inbound=inbound, queue=queue)

    def _against(self, granted: Grant, calls_max: int | None) -> list[NotTaken]:
        found = []
        if granted.seconds < self.terms.rules.minimum_funded_s:
            found.append(NotTaken.NO_CREDIT)
        if calls_max is not None and granted.calls_live >= calls_max:
            found.append(NotTaken.TOO_MANY_CALLS)
        return found


async def _known(question: IncomingQuestion, unit: UnitOfWork) -> IncomingAnswer | None:
    """Return the answer about a call that is there already."""
    mine = (Call.org_id == unit.org_id, Call.direction == Direction.INBOUND.value)
    statement = select(Call).where(*mine, Call.carrier_call_id == question.carrier_call_id)
    call = (await unit.session.scalars(statement)).one_or_none()
    if call is None:
        return None
    language = str((call.agent or {}).get("language", DEFAULT_LANGUAGE))
    if call.ended_at is not None or call.closed:
        return _refused(_NotTaken(NotTaken.CALL_OVER, language), question)
    return IncomingAnswer(call.id, node=call.node)


async def _new_lead(caller: str, unit: UnitOfWork) -> Lead:
    place = await place_of_new(unit)
    lead = Lead(org_id=unit.org_id, name=caller or WITHHELD_NAME, phone=caller or None, source=LEAD_SOURCE)
    lead.pipeline = place.pipeline
    unit.session.add(lead)
    await unit.session.flush()
    await tell_created(lead, unit)
    return lead


async def _record(
    question: IncomingQuestion,
    caller: str,
    lead: Lead | None,
    call_id: UUID | None,
    granted: Grant,
    reasons: list[NotTaken],
    unit: UnitOfWork,
) -> UUID:
    """Store what was decided, on what grounds."""
    known = {"direction": Direction.INBOUND.value, "our_number": question.to_number}
    decision = Decision(
        org_id=unit.org_id,
        call_id=call_id,
        lead_id=lead.id if lead is not None else None,
        number=caller,
        allowed=not reasons,
        reasons=[reason.value for reason in reasons],
        inputs=known | {"fundable_s": granted.seconds, "calls_live": granted.calls_live},
    )
    unit.session.add(decision)
    await unit.session.flush()
    return decision.id


async def _queue(number: PhoneNumber, unit: UnitOfWork) -> QueuePlan | None:
    """Return the people for whom a caller waits; None where the agent takes the call at once."""
    if number.route == plan.Route.QUEUE and number.queue_id is not None:
        return await queue_in_plan(number.queue_id, unit)
    if number.route == plan.Route.REP and number.user_id is not None:
        then = Then.VOICEMAIL if number.voicemail else Then.AGENT
        return await rep_in_plan(number.user_id, then, REP_RINGS_S, unit)
    return None


def _inbound(question: IncomingQuestion, number: PhoneNumber) -> plan.Inbound:
    return plan.Inbound(
        question.carrier_call_id,
        number.number,
        route=plan.Route(number.route),
        greeting=number.greeting,
        voicemail=number.voicemail,
    )


def _refused(why: _NotTaken, question: IncomingQuestion) -> IncomingAnswer:
    log.info("incoming.not_taken", reason=why.reason, node=question.node)
    return IncomingAnswer(refused=why.reason.value, language=why.language)
