"""Exports in the database, and the leads that go into them, of the unit's organisation."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from crm.exports.model import Export
from crm.identity.model import Member, User
from crm.unit_of_work import UnitOfWork


class ExportStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, export_id: UUID) -> Export | None:
        return await self._session.get(Export, (self._org_id, export_id))

    async def lock(self, export_id: UUID) -> Export | None:
        """Return the export as it is now, and keep others from changing it until this transaction ends."""
        key = (self._org_id, export_id)
        return await self._session.get(Export, key, with_for_update=True, populate_existing=True)

    async def newest(self, before: UUID | None, limit: int) -> Sequence[Export]:
        mine = select(Export).where(Export.org_id == self._org_id)
        if before is not None:
            mine = mine.where(Export.id < before)
        return (await self._session.scalars(mine.order_by(Export.id.desc()).limit(limit))).all()

    async def people(self) -> Mapping[Any, str]:
        """Return the members' mail addresses by their ids."""
        found = await self._session.execute(
            select(User.id, User.email).join(Member, Member.user_id == User.id).where(Member.org_id == self._org_id)
        )
        return {row.id: row.email for row in found}
