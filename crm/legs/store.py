"""Further legs of calls in the database."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from crm.legs.model import CallLeg
from crm.unit_of_work import UnitOfWork


class LegStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, leg_id: UUID) -> CallLeg | None:
        return await self._session.get(CallLeg, (self._org_id, leg_id))

    async def of_call(self, call_id: UUID) -> Sequence[CallLeg]:
        """Return them in the order in which they were asked for."""
        mine = select(CallLeg).where(CallLeg.org_id == self._org_id, CallLeg.call_id == call_id)
        return (await self._session.scalars(mine.order_by(CallLeg.id))).all()
