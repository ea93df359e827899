"""Decisions of the gate in the database."""

from uuid import UUID

from crm.compliance.gate import Question, Verdict
from crm.compliance.model import Decision
from crm.compliance.rules import Rules
from crm.unit_of_work import UnitOfWork


async def record_decision(
    unit: UnitOfWork, question: Question, verdict: Verdict, rules: Rules, *, lead_id: UUID | None, call_id: UUID | None
) -> UUID:
    """Store what was decided on what grounds, and return its id."""
    decision = Decision(
        org_id=unit.org_id,
        call_id=call_id,
        lead_id=lead_id,
        number=question.number,
        allowed=verdict.allowed,
        reasons=[reason.value for reason in verdict.reasons],
        inputs=question.as_record(rules),
    )
    unit.session.add(decision)
    await unit.session.flush()
    return decision.id
