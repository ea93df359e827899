"""Definitions of custom fields in the database, of the unit's organisation."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from crm.custom_fields.kinds import Definitions
from crm.custom_fields.model import CustomField
from crm.one_at_a_time import queue_up
from crm.unit_of_work import UnitOfWork

# See crm.one_at_a_time.
FIELDS_LOCK: Final = 7_354


class CustomFieldStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock_all(self) -> Sequence[CustomField]:
        """Return all of them, and keep others from changing any until this transaction ends."""
        await queue_up(FIELDS_LOCK, self._unit)
        return await self.all()

    async def all(self) -> Sequence[CustomField]:
        """Return them in the order in which people see them."""
        mine = select(CustomField).where(CustomField.org_id == self._org_id)
        ordered = mine.order_by(CustomField.position, CustomField.id)
        return (await self._session.scalars(ordered.execution_options(populate_existing=True))).all()

    async def definitions(self) -> Definitions:
        return Definitions(field.definition() for field in await self.all())
