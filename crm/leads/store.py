"""Leads and their tasks in the database, of the unit's organisation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import exists, func, select, update

from crm.leads.model import Lead, Task
from crm.leads.progress import DO_NOT_CALL
from crm.unit_of_work import UnitOfWork

SORTS: Final = {
    "created_at": Lead.created_at,
    "updated_at": Lead.updated_at,
    "name": Lead.name,
    "score": Lead.score,
    "status": Lead.status,
}
Sort = Literal["created_at", "updated_at", "name", "score", "status"]
Order = Literal["asc", "desc"]


class LeadStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, lead_id: UUID) -> Lead | None:
        return await self._session.get(Lead, (self._org_id, lead_id))

    async def lock(self, lead_id: UUID) -> Lead | None:
        """Return the lead as it is now, and keep others from changing it until this transaction ends."""
        statement = select(Lead).where(Lead.org_id == self._org_id, Lead.id == lead_id).with_for_update()
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def newest_with_phone(self, phone: str) -> Lead | None:
        statement = select(Lead).where(Lead.org_id == self._org_id, Lead.phone == phone)
        return (await self._session.scalars(statement.order_by(Lead.created_at.desc()).limit(1))).one_or_none()

    async def is_do_not_call(self, phone: str) -> bool:
        """Say whether anybody of that number asked not to be called, under whichever lead."""
        listed = exists().where(Lead.org_id == self._org_id, Lead.phone == phone, Lead.do_not_call)
        return bool(await self._session.scalar(select(listed)))

    async def stop_calling(self, phone: str, at: datetime) -> None:
        """Mark every lead of that number as not to be called."""
        await self._session.execute(
            update(Lead)
            .where(Lead.org_id == self._org_id, Lead.phone == phone, ~Lead.do_not_call)
            .values(do_not_call=True, do_not_call_at=at, status=DO_NOT_CALL, next_step="", updated_at=at)
        )

    async def page(self, number: int, limit: int, sort: Sort, order: Order, status: str | None) -> Sequence[Lead]:
        """Return page `number`, from 1, of `limit` leads."""
        column = SORTS[sort]
        ordering = (column.asc(), Lead.id.asc()) if order == "asc" else (column.desc(), Lead.id.desc())
        statement = select(Lead).where(Lead.org_id == self._org_id).order_by(*ordering)
        if status is not None:
            statement = statement.where(Lead.status == status)
        return (await self._session.scalars(statement.limit(limit).offset((number - 1) * limit))).all()

    async def count(self, status: str | None) -> int:
        statement = select(func.count()).select_from(Lead).where(Lead.org_id == self._org_id)
        if status is not None:
            statement = statement.where(Lead.status == status)
        return int((await self._session.execute(statement)).scalar_one())

    async def tasks_of(self, lead_id: UUID) -> Sequence[Task]:
        statement = select(Task).where(Task.org_id == self._org_id, Task.lead_id == lead_id)
        return (await self._session.scalars(statement.order_by(Task.created_at))).all()
