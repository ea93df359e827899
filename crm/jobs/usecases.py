"""Looking at dead jobs and having them tried again: an organisation its own, the operator all."""

from uuid import UUID

from crm.jobs.store import DeadJob, JobStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork


class DeadJobNotFound(Refusal):
    def __init__(self, job_id: int) -> None:
        super().__init__("dead_job_not_found", {"job_id": job_id})


async def list_dead(unit: UnitOfWork, org_id: UUID | None, *, before: int | None, limit: int) -> list[DeadJob]:
    """Return the newest first; `org_id` None: all organisations' and the operator's own."""
    async with unit:
        return await JobStore(unit).dead(org_id, before=before, limit=limit)


async def retry_dead(job_id: int, unit: UnitOfWork, org_id: UUID | None) -> None:
    """Have it tried again, as often as a new one. Raises DeadJobNotFound."""
    async with unit:
        if not await JobStore(unit).revive(job_id, org_id):
            raise DeadJobNotFound(job_id)
        await unit.commit()
