"""A task as JSON."""

from datetime import datetime
from uuid import UUID

from typing_extensions import TypedDict

from crm.answers import shown
from crm.leads.model import Task
from crm.tasks.usecases import Status


class TaskJson(TypedDict):
    id: UUID
    lead_id: UUID
    kind: str
    title: str
    due_text: str
    due_at: datetime | None
    status: Status
    call_id: UUID | None
    assignee_id: UUID | None
    created_by: UUID | None
    done_at: datetime | None
    done_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


def task_json(task: Task) -> TaskJson:
    return shown(TaskJson, task)
