"""Phone numbers in the database, of the unit's organisation."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from crm.database import Sessions
from crm.phone_numbers.model import PhoneNumber
from crm.unit_of_work import UnitOfWork


class NumberStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, number_id: UUID) -> PhoneNumber | None:
        return await self._session.get(PhoneNumber, (self._org_id, number_id))

    async def lock(self, number_id: UUID) -> PhoneNumber | None:
        """Return it as it is now, and keep others from changing it until this transaction ends."""
        statement = select(PhoneNumber).where(PhoneNumber.org_id == self._org_id, PhoneNumber.id == number_id)
        statement = statement.with_for_update().execution_options(populate_existing=True)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def all(self) -> Sequence[PhoneNumber]:
        statement = select(PhoneNumber).where(PhoneNumber.org_id == self._org_id)
        return (await self._session.scalars(statement.order_by(PhoneNumber.number))).all()

    async def named(self, number: str) -> PhoneNumber | None:
        """Return the organisation's, by its E.164 form."""
        mine = (PhoneNumber.org_id == self._org_id, PhoneNumber.number == number)
        return (await self._session.scalars(select(PhoneNumber).where(*mine))).one_or_none()

    async def count(self) -> int:
        statement = select(func.count()).select_from(PhoneNumber).where(PhoneNumber.org_id == self._org_id)
        return int((await self._session.execute(statement)).scalar_one())


async def owner_of(number: str, sessions: Sessions) -> UUID | None:
    """Return the organisation that has a number, by its E.164 form; None when nobody has it."""
    async with UnitOfWork(sessions) as unit:
        await unit.look_for_number(number)
        return await unit.session.scalar(select(PhoneNumber.org_id).where(PhoneNumber.number == number))
