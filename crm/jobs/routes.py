"""/api/jobs/dead: an organisation's jobs that failed for good. /internal/jobs/dead: all, for the operator."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit, internal_caller
from crm.answers import Success, success
from crm.jobs.port import Queue
from crm.jobs.store import DeadJob
from crm.jobs.usecases import list_dead, retry_dead
from crm.permissions import Permission
from crm.unit_of_work import UnitOfWork

LIMIT_MAX: Final = 100
ID_MAX: Final = 2**63 - 1

router = APIRouter()
NEEDS: Final = Depends(Needs(Permission.JOBS_RETRY))
OPERATOR: Final = Depends(internal_caller)

JobId = Annotated[int, Path(ge=1, le=ID_MAX)]
Before = Annotated[int | None, Query(ge=1, le=ID_MAX, description="The id that the last page ended with.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]


class DeadJobJson(TypedDict):
    """Without the trace, which is the operator's, and with no ids of other rows than the job names itself."""

    id: int
    task: Annotated[str, Field(examples=["imports.read"])]
    queue: Queue
    args: dict[str, Any]
    tries: int
    error: Annotated[str, Field(examples=["TimeoutError"])]
    failed_at: datetime | None


class RetriedJson(TypedDict):
    id: int


@router.get("/api/jobs/dead", dependencies=[NEEDS])
async def get_dead(unit: Unit, before: Before = None, limit: Limit = 20) -> Success[list[DeadJobJson]]:
    return success([_shown(job) for job in await list_dead(unit, unit.org_id, before=before, limit=limit)])


@router.post("/api/jobs/dead/{job_id}/retry", status_code=202, dependencies=[NEEDS])
async def post_retry(job_id: JobId, unit: Unit) -> Success[RetriedJson]:
    await retry_dead(job_id, unit, unit.org_id)
    return success({"id": job_id}, status=202)


@router.get("/internal/jobs/dead", include_in_schema=False, dependencies=[OPERATOR])
async def get_all_dead(held: Held, before: Before = None, limit: Limit = 20) -> JSONResponse:
    found = await list_dead(UnitOfWork(held.sessions), None, before=before, limit=limit)
    return success([{**_shown(job), "org_id": job.args.get("org_id"), "trace": job.trace} for job in found])


@router.post("/internal/jobs/dead/{job_id}/retry", status_code=202, include_in_schema=False, dependencies=[OPERATOR])
async def post_any_retry(job_id: JobId, held: Held) -> JSONResponse:
    await retry_dead(job_id, UnitOfWork(held.sessions), None)
    return success({"id": job_id}, status=202)


def _shown(job: DeadJob) -> DeadJobJson:
    return {
        "id": job.id,
        "task": job.task,
        "queue": Queue(job.queue),
        "args": {name: value for name, value in job.args.items() if name != "org_id"},
        "tries": job.tries,
        "error": job.error,
        "failed_at": job.failed_at,
    }
