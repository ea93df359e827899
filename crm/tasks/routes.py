"""/api/tasks: what people have to do. /api/leads/{id}/tasks makes them."""

from datetime import UTC, datetime
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator

from crm.access import Person, Unit
from crm.answers import PAGE_MAX, Following, Success, followed_by, success
from crm.idempotency.writes import Attempted, once
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.tasks.showing import TaskJson, task_json
from crm.tasks.store import TaskFilters
from crm.tasks.usecases import Status, TaskChange, TaskFields, add_task, change_task, list_tasks
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork
from crm.versions import IfMatch, etag_of

# A time outside of these is a slip of the keyboard, and may be none that the database gives back.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

router = APIRouter(prefix="/api")


def _is_plausible(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"must be a time from {EARLIEST.year} to {LATEST.year - 1}")
    return at


Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL)]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Moment = Annotated[AwareDatetime, AfterValidator(_is_plausible)]


class TaskBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title
    kind: Kind = "todo"
    due_at: Moment | None = None
    assignee_id: UUID | None = None

    def fields(self) -> TaskFields:
        return TaskFields(**self.model_dump())


class TaskChangeBody(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Title = ""
    due_at: Moment | None = None
    assignee_id: UUID | None = None
    status: Status = Status.OPEN

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"must have one of {', '.join(type(self).model_fields)}")
        return self

    def change(self) -> TaskChange:
        return TaskChange(frozenset(self.model_fields_set), **self.model_dump())


@router.post("/leads/{lead_id}/tasks", status_code=201)
async def post_task(lead_id: UUID, body: TaskBody, person: Person, unit: Unit, attempt: Attempted) -> Success[TaskJson]:
    async def add(part: UnitOfWork) -> TaskJson:
        return task_json(await add_task(lead_id, body.fields(), person, part))

    made = await once(unit, attempt, add)
    answer: Success[TaskJson] = success(made, status=201)
    answer.headers["ETag"] = etag_of(made["version"])
    return answer


@router.get("/tasks")
async def get_tasks(
    unit: Unit,
    status: Status | None = None,
    assignee_id: UUID | None = None,
    lead_id: UUID | None = None,
    due_before: Moment | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    cursor: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
) -> Following[TaskJson]:
    """List tasks, what is to be done first before the rest; one without a time was due when it was made."""
    found, following = await list_tasks(
        TaskFilters(status.value if status is not None else None, assignee_id, lead_id, due_before), limit, cursor, unit
    )
    return success([task_json(task) for task in found], pagination=followed_by(following, limit))


@router.patch("/tasks/{task_id}")
async def patch_task(
    task_id: UUID, body: TaskChangeBody, person: Person, unit: Unit, read: IfMatch
) -> Success[TaskJson]:
    task = await change_task(task_id, body.change(), person, unit, read)
    answer = success(task_json(task))
    answer.headers["ETag"] = etag_of(task.version)
    return answer
