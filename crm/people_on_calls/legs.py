"""Whether a person in a live call may have another number telephoned, asked by the call's node.

Putting the prospect through is paid by what is left of the call's own reservation, as when the agent does it.
"""

from typing import Final

from crm.calls.leg_permits import Authority, left_s, permit_leg
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.calls.usecases import CallOver
from crm.compliance.gate import e164
from crm.database import Sessions, utc_now
from crm.identity.model import Member, MemberStatus
from crm.permissions import Permission, may
from crm.unit_of_work import UnitOfWork
from events import permit as permits
from events.legs import LegAnswer, LegQuestion
from events.permit import Permit

FORBIDDEN: Final = "forbidden"


async def decide_leg(question: LegQuestion, sessions: Sessions, authority: Authority) -> LegAnswer:
    """Return the permit for it, or why there is none; the decision is kept either way.

    Raises:
        CallNotFound, CallOver
    """
    async with UnitOfWork(sessions, question.org_id) as unit:
        call = await CallStore(unit).lock(question.call_id)
        if call is None:
            raise CallNotFound(question.call_id)
        if call.closed or call.ended_at is not None:
            raise CallOver(call.state)
        member = await unit.session.get(Member, (unit.org_id, question.user_id))
        if not _may_join(member):
            return LegAnswer(refused=FORBIDDEN)
        number, now = e164(question.number) or question.number, utc_now()
        granted = await permit_leg(
            call, question.leg_id, number, question.purpose, left_s(call, now), now, unit, authority
        )
        await unit.commit()
    if not isinstance(granted, Permit):
        return LegAnswer(number=number, refused=granted.value)
    return LegAnswer(permits.seal(granted, authority.secret_key), number)


def _may_join(member: Member | None) -> bool:
    """Whether they still may talk in calls: the ticket that they came by may be an hour old."""
    if member is None or member.status != MemberStatus.ACTIVE.value:
        return False
    return may(member.role, Permission.CALLS_JOIN)
