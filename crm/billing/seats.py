"""How many people an organisation's plan lets in."""

from sqlalchemy import func, select

from crm.billing.conditions import ConditionStore
from crm.billing.plans import Plans
from crm.identity.model import Member
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork


class PlanLimit(Refusal):
    """The plan does not allow one more; nothing was added."""

    def __init__(self, limit: str, most: int, plan: str) -> None:
        super().__init__("plan_limit", {"limit": limit, "most": most, "plan": plan})


async def take_seat(unit: UnitOfWork, plans: Plans, *, invited: int = 0) -> None:
    """Make sure that one more person may come, in the caller's transaction, which adds them; others wait for its end.

    Args:
        invited: invitations that are out: each keeps a seat.

    Raises:
        PlanLimit
    """
    plan = plans.named(await ConditionStore(unit).lock())
    if plan.seats is not None and await seats_taken(unit) + invited >= plan.seats:
        raise PlanLimit("seats", plan.seats, plan.name)


async def seats_taken(unit: UnitOfWork) -> int:
    statement = select(func.count()).select_from(Member).where(Member.org_id == unit.org_id)
    return int((await unit.session.execute(statement)).scalar_one())
