"""What people do with tasks: make, list, change, hand over and complete them.

Calls make tasks too; see crm.calls.effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from crm.database import utc_now
from crm.identity.belonging import check_member
from crm.identity.tokens import Identity
from crm.leads.model import Task
from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.page_cursor import Cursor, cut, decode
from crm.refusals import Refusal
from crm.tasks.store import TaskFilters, TaskStore, due
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition

_SORT: Final = "due"


class Status(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskNotFound(Refusal):
    def __init__(self, task_id: UUID) -> None:
        super().__init__("task_not_found", {"task_id": str(task_id)})


@dataclass(frozen=True, slots=True)
class TaskFields:
    title: str
    kind: str
    due_at: datetime | None
    assignee_id: UUID | None  # a member


@dataclass(frozen=True, slots=True)
class TaskChange:
    """What is set anew: only the fields that `given` names."""

    given: frozenset[str]
    title: str = ""
    due_at: datetime | None = None
    assignee_id: UUID | None = None
    status: Status = Status.OPEN


async def add_task(lead_id: UUID, fields: TaskFields, person: Identity, unit: UnitOfWork) -> Task:
    """Raises LeadNotFound, or Refusal: the assignee is no member."""
    async with unit:
        if await LeadStore(unit).get(lead_id) is None:
            raise LeadNotFound(lead_id)
        await check_member(fields.assignee_id, "body.assignee_id", unit)
        task = Task(
            org_id=unit.org_id,
            lead_id=lead_id,
            kind=fields.kind,
            title=fields.title,
            due_at=fields.due_at,
            assignee_id=fields.assignee_id,
            created_by=person.user_id,
        )
        unit.session.add(task)
        await unit.commit()
        return task


async def list_tasks(
    filters: TaskFilters, limit: int, cursor: str, unit: UnitOfWork
) -> tuple[Sequence[Task], str | None]:
    """Return a page, what is to be done first before the rest, and the next one's cursor, if any. Raises BadCursor."""
    place = decode(cursor, _SORT, datetime) if cursor else None
    async with unit:
        found = await TaskStore(unit).page(filters, place, limit + 1)
    return cut(found, limit, lambda task: Cursor(_SORT, due(task), task.id))


async def change_task(
    task_id: UUID, change: TaskChange, person: Identity, unit: UnitOfWork, read: Precondition
) -> Task:
    """Raises TaskNotFound, VersionChanged, or Refusal: the assignee is no member."""
    async with unit:
        task = await TaskStore(unit).lock(task_id)
        if task is None:
            raise TaskNotFound(task_id)
        read.check(task.version)
        if "title" in change.given:
            task.title = change.title
        if "due_at" in change.given:
            # What the prospect said is told beside it still.
            task.due_at = change.due_at
        if "assignee_id" in change.given:
            await check_member(change.assignee_id, "body.assignee_id", unit)
            task.assignee_id = change.assignee_id
        if "status" in change.given and change.status != task.status:
            task.status = change.status.value
            done = change.status is Status.DONE
            task.done_at, task.done_by = (utc_now(), person.user_id) if done else (None, None)
        await unit.commit()
        return task
