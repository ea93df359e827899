"""Whether a person in a live call may have another number telephoned, asked by the call's node.

Putting the prospect through is paid by what is left of the call's own reservation, as when the agent does it. A second
telephone beside the prospect costs its own minutes, at the call's price: they are reserved with the permit, for as
long as the call itself is paid for, and given back as far as they were not used.
"""

from datetime import datetime
from typing import Final

from crm.billing.call_money import Funding, funding_for
from crm.billing.ledger import Ledger, NoCredit
from crm.calls.model import Call
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.calls.usecases import CallOver
from crm.compliance.gate import Reason, e164
from crm.database import Sessions, utc_now
from crm.identity.model import Member, MemberStatus
from crm.legs.model import CallLeg
from crm.legs.money import reserve_leg
from crm.legs.permits import Authority, left_s, permit_leg, sealed_for
from crm.legs.store import LegStore
from crm.permissions import Permission, may
from crm.unit_of_work import UnitOfWork
from events.legs import LegAnswer, LegQuestion
from events.money import Millicredits
from events.permit import Permit, Purpose

FORBIDDEN: Final = "forbidden"


async def decide_leg(question: LegQuestion, sessions: Sessions, authority: Authority) -> LegAnswer:
    """Return the permit for it, or why there is none; the decision is kept either way.

    Raises:
        CallNotFound, CallOver
    """
    async with UnitOfWork(sessions, question.org_id) as unit:
        # Locked, so that of two copies of one question the second finds what the first has reserved.
        call = await CallStore(unit).lock(question.call_id)
        if call is None:
            raise CallNotFound(question.call_id)
        if call.closed or call.ended_at is not None:
            raise CallOver(call.state)
        if not _may_join(await unit.session.get(Member, (unit.org_id, question.user_id))):
            return LegAnswer(refused=FORBIDDEN)
        now, before = utc_now(), await LegStore(unit).get(question.leg_id)
        if before is not None:
            return LegAnswer(sealed_for(before, now, authority), before.number)
        number = e164(question.number) or question.number
        paid = await _funds(question.purpose, call, now, unit)
        granted = await permit_leg(call, question.leg_id, number, question.purpose, paid.seconds, now, unit, authority)
        if not isinstance(granted, Permit):
            await unit.commit()
            return LegAnswer(number=number, refused=granted.value)
        leg = _row(question, granted, call, paid)
        unit.session.add(leg)
        try:
            await reserve_leg(leg, call, paid, Ledger(unit))
        except NoCredit:
            # Others were quicker while this was decided; all of it is rolled back.
            return LegAnswer(number=number, refused=Reason.NO_CREDIT.value)
        await unit.commit()
        return LegAnswer(sealed_for(leg, now, authority), number)


async def _funds(purpose: Purpose, call: Call, now: datetime, unit: UnitOfWork) -> Funding:
    """Return how long the leg may last, and what has to be reserved for it."""
    most_s = max(0, left_s(call, now))
    if purpose is not Purpose.CONSULT:
        return Funding(most_s, Millicredits(0))
    return funding_for(await Ledger(unit).wallet(), Millicredits(call.price_per_minute), most_s)


def _row(question: LegQuestion, granted: Permit, call: Call, paid: Funding) -> CallLeg:
    return CallLeg(
        org_id=call.org_id,
        id=question.leg_id,
        call_id=call.id,
        decision_id=granted.decision_id,
        purpose=question.purpose.value,
        number=granted.number,
        user_id=question.user_id,
        funded_s=paid.seconds,
        price_per_minute=call.price_per_minute,
        reserved=paid.amount,
    )


def _may_join(member: Member | None) -> bool:
    """Whether they still may talk in calls: the ticket that they came by may be an hour old."""
    if member is None or member.status != MemberStatus.ACTIVE.value:
        return False
    return may(member.role, Permission.CALLS_JOIN)
