"""A task as JSON."""

from typing import Any

from crm.leads.model import Task


def task_json(task: Task) -> dict[str, Any]:
    names = ("id", "lead_id", "kind", "title", "due_text", "due_at", "status", "call_id", "assignee_id", "created_by")
    return {name: getattr(task, name) for name in (*names, "done_at", "done_by", "version", "created_at", "updated_at")}
