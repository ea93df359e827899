"""Imports in the database, of the unit's organisation."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from crm.identity.model import Member, User
from crm.imports.model import Import, ImportFault
from crm.unit_of_work import UnitOfWork


class ImportStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, import_id: UUID) -> Import | None:
        return await self._session.get(Import, (self._org_id, import_id))

    async def lock(self, import_id: UUID) -> Import | None:
        """Return the import as it is now, and keep others from changing it until this transaction ends."""
        return await self._session.get(Import, (self._org_id, import_id), with_for_update=True, populate_existing=True)

    async def newest(self, before: UUID | None, limit: int) -> Sequence[Import]:
        mine = select(Import).where(Import.org_id == self._org_id)
        if before is not None:
            mine = mine.where(Import.id < before)
        return (await self._session.scalars(mine.order_by(Import.id.desc()).limit(limit))).all()

    async def faults(self, import_id: UUID, after_row: int, limit: int) -> Sequence[ImportFault]:
        """Return the rows that were set aside, in the file's order, behind a row."""
        of_import = ImportFault.org_id == self._org_id, ImportFault.import_id == import_id
        behind = select(ImportFault).where(*of_import, ImportFault.row > after_row)
        return (await self._session.scalars(behind.order_by(ImportFault.row).limit(limit))).all()

    async def owners(self) -> Mapping[str, UUID]:
        """Return the members by mail address."""
        found = await self._session.execute(
            select(User.email, User.id).join(Member, Member.user_id == User.id).where(Member.org_id == self._org_id)
        )
        return {row.email: row.id for row in found}
