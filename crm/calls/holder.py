"""Who talks in a call that a person places, as its plan names them."""

from uuid import UUID

from crm.identity.model import User
from crm.unit_of_work import UnitOfWork
from events.plan import Holder


async def holder_of(user_id: UUID | None, unit: UnitOfWork) -> Holder | None:
    """Return a member as a call's holder, in the caller's transaction; None for nobody: the agent holds it."""
    if user_id is None:
        return None
    await unit.act_as_user(user_id)
    user = await unit.session.get_one(User, user_id)
    return Holder(user.id, user.full_name)
