"""Tasks in the database, of the unit's organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from crm.leads.model import Task
from crm.page_cursor import Cursor, after
from crm.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """What is None filters nothing."""

    status: str | None = None
    assignee_id: UUID | None = None
    lead_id: UUID | None = None
    due_before: datetime | None = None


def due(task: Task) -> datetime:
    """Return when it is to be done; what has no time of its own was due when it was made."""
    return task.due_at or task.created_at


class TaskStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock(self, task_id: UUID) -> Task | None:
        """Return the task as it is now, and keep others from changing it until this transaction ends."""
        statement = select(Task).where(Task.org_id == self._org_id, Task.id == task_id)
        return (await self._session.scalars(statement.with_for_update())).one_or_none()

    async def page(self, filters: TaskFilters, cursor: Cursor | None, most: int) -> Sequence[Task]:
        """Return at most so many tasks after the cursor's, what is to be done first before the rest."""
        # As the index of r0026 has it.
        at: ColumnElement[datetime] = func.coalesce(Task.due_at, Task.created_at)
        conditions = [Task.org_id == self._org_id, *after(cursor, at, Task.id.expression, descending=False)]
        if filters.status is not None:
            conditions.append(Task.status == filters.status)
        if filters.assignee_id is not None:
            conditions.append(Task.assignee_id == filters.assignee_id)
        if filters.lead_id is not None:
            conditions.append(Task.lead_id == filters.lead_id)
        if filters.due_before is not None:
            conditions.append(at < filters.due_before)
        statement = select(Task).where(*conditions).order_by(at.asc(), Task.id.asc()).limit(most)
        return (await self._session.scalars(statement)).all()
