"""Permits for further legs of a live call: whom the prospect is put through to, and who is asked beside them.

Each goes through the gate as every dial does, and the decision is kept; what of it is paid, the caller decides.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crm.calls.model import Call
from crm.compliance.gate import Question, Reason, judge
from crm.compliance.hours import ANY_TIME
from crm.compliance.rules import Rules
from crm.compliance.store import record_decision
from crm.leads.store import LeadStore
from crm.legs.model import CallLeg
from crm.unit_of_work import UnitOfWork
from events import permit as permits
from events.permit import Permit, Purpose


@dataclass(frozen=True, slots=True)
class Authority:
    """What dialling rests on."""

    rules: Rules
    secret_key: str


def left_s(call: Call, now: datetime) -> int:
    """Return the seconds that a call may still last on what was reserved for it."""
    return int(call.funded_s - (now - (call.answered_at or now)).total_seconds())


async def permit_leg(
    call: Call,
    permit_id: UUID,
    number: str,
    purpose: Purpose,
    fundable_s: int,
    now: datetime,
    unit: UnitOfWork,
    authority: Authority,
) -> Permit | Reason:
    """Judge, record the decision, and return the permit, or why there is none; in the caller's transaction.

    A colleague's telephone may ring at any hour, and takes no slot of the plan's: the call has one.
    """
    question = Question(
        number=number,
        lead_found=True,
        do_not_call=await LeadStore(unit).is_do_not_call(number),
        fundable_s=fundable_s,
        timing=ANY_TIME,
    )
    verdict = judge(question, authority.rules)
    decision_id = await record_decision(unit, question, verdict, authority.rules, lead_id=call.lead_id, call_id=call.id)
    if not verdict.allowed:
        return verdict.reasons[0]
    return _permit(permit_id, call.org_id, call.id, number, purpose, decision_id, fundable_s, now)


def sealed_for(leg: CallLeg, now: datetime, authority: Authority) -> str:
    """Return the permit of a leg that was granted: the same one, however often it is asked for."""
    purpose = Purpose(leg.purpose)
    permit = _permit(leg.id, leg.org_id, leg.call_id, leg.number, purpose, leg.decision_id, leg.funded_s, now)
    return permits.seal(permit, authority.secret_key)


def _permit(
    permit_id: UUID,
    org_id: UUID,
    call_id: UUID,
    number: str,
    purpose: Purpose,
    decision_id: UUID,
    funded_s: int,
    now: datetime,
) -> Permit:
    issued_at = int(now.timestamp())
    return Permit(
        id=permit_id,
        org_id=org_id,
        call_id=call_id,
        number=number,
        purpose=purpose,
        decision_id=decision_id,
        funded_s=funded_s,
        issued_at=issued_at,
        expires_at=issued_at + permits.LIFETIME_S,
    )
