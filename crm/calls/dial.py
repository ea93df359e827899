"""Places a call: gate, reservation, permit and plan in one transaction, then the command to a voice node.

The decision to dial is made here; the dial itself is made by the voice node, on the permit alone. Whatever
happens between the two, the call either gets events, or its reservation is given back (see release, worker).
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog

from crm.agents.started import start_agent
from crm.agents.store import AgentStore
from crm.billing.call_money import reserve_call
from crm.billing.conditions import ConditionStore
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.prices import Resource
from crm.calls.grant import Outrun, confirm, grant
from crm.calls.holder import holder_of
from crm.calls.idempotency import remember, replay, write_answer
from crm.calls.model import QUEUED, Call
from crm.calls.nodes import NoVoiceNode, RedisAway, VoiceNodes
from crm.calls.planning import plan_call, put_down
from crm.calls.playbooks import read_playbook
from crm.calls.release import release_call
from crm.calls.terms import Terms
from crm.compliance.calling_hours import timing_for
from crm.compliance.gate import OF_THE_HOUR, Question, Verdict, e164, judge
from crm.compliance.store import record_decision
from crm.database import Sessions, utc_now
from crm.idempotency.keys import Attempt, KeyStore
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.leads.telling import tell_created
from crm.pipelines.places import place_of_new
from crm.prompts.book import PromptBook
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events import permit as permits
from events import plan
from events.call import Outcome
from events.command import Command, Dial, Reply
from events.ids import new_id
from events.permit import Permit, Purpose

DECISIONS_MAX: Final = 3  # on a wallet that others empty meanwhile; for the last they have to wait
NODES_TRIED_MAX: Final = 3  # a refusal takes milliseconds, but the permit a minute to expire
# What a node says before it has touched the permit or the carrier: another one may have room.
ELSEWHERE: Final = frozenset({"node_overloaded", "node_full", "node_draining", "outbox_full", "speech_away"})

log = structlog.get_logger()


class CallRefused(Refusal):
    """The gate, or the voice node, said no."""


@dataclass(frozen=True, slots=True)
class DialRequest:
    """Whom to call: a lead, or a number, for which a lead is made when there is none."""

    lead_id: UUID | None = None
    number: str | None = None
    agent_id: UUID | None = None
    attempt: Attempt | None = None  # the client's key, when it gave one
    held_by: UUID | None = None  # the member who talks in it, in the agent's place


@dataclass(frozen=True, slots=True)
class DialAnswer:
    call_id: UUID
    lead_id: UUID
    state: str
    confirmed: bool  # False: no node has answered yet; the call's events will tell


@dataclass(frozen=True, slots=True)
class _Issued:
    call_id: UUID
    lead_id: UUID
    order: Command


class Dialler:
    def __init__(self, sessions: Sessions, nodes: VoiceNodes, terms: Terms, prompts: PromptBook) -> None:
        self._sessions = sessions
        self._prompts = prompts
        self._nodes = nodes
        self._terms = terms

    async def dial(self, request: DialRequest, org_id: UUID) -> DialAnswer:
        """Place a call, or give the answer that the same attempt got before.

        Raises:
            Refusal: with the gate's, the node's or the machinery's reason; nothing is owed then.
        """
        issued = await self._issue(request, org_id)
        if not isinstance(issued, _Issued):
            return _answer_from(issued)
        try:
            reply = await self._give(issued, org_id)
        except (NoVoiceNode, RedisAway) as refusal:
            await self._release(org_id, issued.call_id, Outcome.SERVICE_FAILURE, refusal.code)
            # Nothing was dialled, and soon it may be: the same attempt may be made again.
            await remember(self._sessions, org_id, request.attempt, None)
            raise
        if reply is not None and not reply.accepted:
            await self._release(org_id, issued.call_id, Outcome.REFUSED, reply.reason or "node_refused")
            refused = CallRefused("node_refused", {"reason": reply.reason, "call_id": str(issued.call_id)})
            # Where no node had room nothing was touched, and soon there may be: the same attempt may be made again.
            lasting = None if reply.reason in ELSEWHERE else refused
            await remember(self._sessions, org_id, request.attempt, lasting)
            raise refused
        answer = DialAnswer(
            issued.call_id, issued.lead_id, QUEUED if reply is None else reply.state or QUEUED, reply is not None
        )
        await remember(self._sessions, org_id, request.attempt, _record(answer))
        return answer

    async def _give(self, issued: _Issued, org_id: UUID) -> Reply | None:
        """Give the order to the least loaded node, and to the next one when that has no room after all.

        Returns the last node's answer; None when it gave none, so that the call may yet be placed: then nobody else
        is asked. The permit is good for one dial whatever nodes get it.

        Raises:
            NoVoiceNode, RedisAway: nobody could be asked at all.
        """
        tried: list[str] = []
        reply: Reply | None = None
        while len(tried) < NODES_TRIED_MAX:
            try:
                node = await self._nodes.least_loaded(tried)
            except (NoVoiceNode, RedisAway):
                if reply is None:
                    raise
                break
            tried.append(node)
            await self._note_node(org_id, issued.call_id, node)
            # An order of its own for each node: an answer must never be taken for another's.
            reply = await self._nodes.ask(node, Command(new_id(), issued.order.expires_at, issued.order.body))
            if reply is None or reply.accepted or reply.reason not in ELSEWHERE:
                break
            log.info("dial.next_node", call_id=str(issued.call_id), node=node, reason=reply.reason)
        return reply

    async def _issue(self, request: DialRequest, org_id: UUID) -> _Issued | dict[str, Any]:
        """Decide, reserve and write the order; or return the answer that was given before."""
        attempt = request.attempt
        for tries_left in reversed(range(DECISIONS_MAX)):
            async with UnitOfWork(self._sessions, org_id) as unit:
                if attempt is not None and not await KeyStore(unit).claim(attempt):
                    break
                try:
                    return await self._decide(request, unit, is_last=not tries_left)
                except (NoCredit, Outrun):
                    # Others were quicker while this was decided, all of which is rolled back: decide on what is left.
                    continue
        assert attempt is not None, "only a key can be taken"
        return await replay(self._sessions, org_id, attempt)

    async def _decide(self, request: DialRequest, unit: UnitOfWork, *, is_last: bool) -> _Issued:
        """Decide on the balance as it is now, and reserve at the end, so that the organisation's others need not wait.

        Raises:
            CallRefused: with the decision stored.
            NoCredit, Outrun: there is less than there was; never when it `is_last`, which has others wait.
        """
        leads = LeadStore(unit)
        ledger = Ledger(unit)
        number, lead = await _whom(request, leads)
        balance = await ledger.lock_wallet() if is_last else await ledger.wallet()
        conditions = await ConditionStore(unit).read(self._terms.tariff, Resource.VOICE_MINUTE, utc_now())
        granted = await grant(balance, conditions, self._terms.max_call_s, unit)
        question = Question(
            number=number,
            lead_found=lead is not None or request.lead_id is None,
            do_not_call=bool(lead and lead.do_not_call) or await leads.is_do_not_call(number),
            fundable_s=granted.paid.seconds,
            timing=await timing_for(number, lead, self._terms.rules.calling_hours, utc_now(), unit),
            calls_live=granted.calls_live,
            calls_max=conditions.plan.concurrent_calls,
        )
        verdict = judge(question, self._terms.rules)
        if not verdict.allowed:
            await self._refuse(request, unit, question, verdict, lead)
        agent = await AgentStore(unit).for_call(request.agent_id)
        if agent is None:
            raise CallRefused("agent_not_found")
        playbook = await asyncio.to_thread(read_playbook, self._terms.playbooks, agent.playbook)
        if lead is None:
            place = await place_of_new(unit)
            lead = Lead(org_id=unit.org_id, name=number, phone=number, source="dial", pipeline=place.pipeline)
            unit.session.add(lead)
            await unit.session.flush()
            await tell_created(lead, unit)
        call_id = new_id()
        started = await start_agent(agent, call_id, unit, self._prompts)
        decision_id = await record_decision(
            unit, question, verdict, self._terms.rules, lead_id=lead.id, call_id=call_id
        )
        call = Call(
            org_id=unit.org_id,
            id=call_id,
            lead_id=lead.id,
            agent_id=agent.id,
            agent=started.record(),
            prompt_id=agent.prompt_id,
            prompt_version=started.prompt.number if started.prompt is not None else "",
            prompt_follows=started.follows,
            decision_id=decision_id,
            number=number,
            placed_by=request.held_by,
            funded_s=granted.seconds,
            price_per_minute=conditions.price,
            reserved=granted.paid.amount,
            held=granted.paid.amount,
            credit=granted.on_credit.amount,
            balance_before=balance,
        )
        await _put_down(call, request.attempt, unit)
        holder = await holder_of(request.held_by, unit)
        order = self._order(call, await plan_call(call, lead, started, playbook, unit, self._terms, holder=holder))
        await reserve_call(call, ledger)
        await confirm(conditions, unit)
        call.balance_before = await ledger.wallet() + call.reserved
        await unit.commit()
        return _Issued(call_id, lead.id, order)

    async def _refuse(
        self,
        request: DialRequest,
        unit: UnitOfWork,
        question: Question,
        verdict: Verdict,
        lead: Lead | None,
    ) -> NoReturn:
        await record_decision(
            unit, question, verdict, self._terms.rules, lead_id=lead.id if lead else request.lead_id, call_id=None
        )
        reasons = [reason.value for reason in verdict.reasons]
        told = question.timing.as_record() if set(verdict.reasons) & OF_THE_HOUR else {}
        refused = CallRefused(reasons[0], {"reasons": reasons} | told)
        if request.attempt is not None:
            # With the decision, in one transaction: the key is never left without its answer.
            await write_answer(KeyStore(unit), request.attempt, refused)
        await unit.commit()
        raise refused

    def _order(self, call: Call, call_plan: plan.CallPlan) -> Command:
        now_s = int(time.time())
        permit = Permit(
            id=new_id(),
            org_id=call.org_id,
            call_id=call.id,
            number=call.number,
            purpose=Purpose.PROSPECT,
            decision_id=call.decision_id,
            funded_s=call.funded_s,
            issued_at=now_s,
            expires_at=now_s + permits.LIFETIME_S,
        )
        dial = Dial(permits.seal(permit, self._terms.secret_key), call_plan)
        return Command(new_id(), float(permit.expires_at), dial)

    async def _note_node(self, org_id: UUID, call_id: UUID, node: str) -> None:
        async with UnitOfWork(self._sessions, org_id) as unit:
            call = await unit.session.get_one(Call, (org_id, call_id))
            call.node = node
            await unit.commit()

    async def _release(self, org_id: UUID, call_id: UUID, outcome: Outcome, reason: str) -> None:
        async with UnitOfWork(self._sessions, org_id) as unit:
            await release_call(unit, call_id, outcome, reason)
            await unit.commit()
        log.warning("dial.failed", call_id=str(call_id), reason=reason)


async def _put_down(call: Call, attempt: Attempt | None, unit: UnitOfWork) -> None:
    """Write the call down, and that the client's key is answered with it."""
    put_down(call, unit)
    if attempt is not None:
        claimed = await KeyStore(unit).get(attempt.key)
        assert claimed is not None, "claimed before, in this transaction"
        claimed.call_id = call.id


async def _whom(request: DialRequest, leads: LeadStore) -> tuple[str, Lead | None]:
    """Return the number to dial, as far as there is one, and the lead it belongs to."""
    if request.lead_id is not None:
        lead = await leads.get(request.lead_id)
        phone = (lead.phone or "") if lead else ""
        return e164(phone) or phone, lead
    given = (request.number or "").strip()
    number = e164(given) or given
    return number, await leads.newest_with_phone(number)


def _record(answer: DialAnswer) -> dict[str, Any]:
    return {
        "call_id": str(answer.call_id),
        "lead_id": str(answer.lead_id),
        "state": answer.state,
        "confirmed": answer.confirmed,
    }


def _answer_from(record: dict[str, Any]) -> DialAnswer:
    return DialAnswer(UUID(record["call_id"]), UUID(record["lead_id"]), record["state"], record["confirmed"])
