"""The only SQL about jobs that are there already: their failures, the dead letters, what dead workers left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from crm.database import utc_now
from crm.jobs.model import JobFailure
from crm.unit_of_work import UnitOfWork

FINISHED_KEPT: Final = timedelta(hours=24)
FINISHED_MAX: Final = 1_000
DEAD_KEPT: Final = timedelta(days=30)
# A worker that has said nothing for so long is dead; it says something every 10 s.
SILENT_S: Final = 60
AT_ONCE: Final = 5_000  # rows that one statement deletes

_DEAD: Final = """
    SELECT j.id, j.task_name, j.queue_name, j.args, j.attempts, f.error, f.trace, f.at
    FROM procrastinate_jobs j LEFT JOIN job_failures f ON f.job_id = j.id
    WHERE j.status IN ('failed', 'aborted')"""
_OF_ORG: Final = " AND j.args ->> 'org_id' = :org"
# Also when the worker's row is gone: another worker's start takes the silent ones away.
_LEFT: Final = text("""
    SELECT j.id, j.task_name, j.attempts, j.args FROM procrastinate_jobs j
    LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => :silent_s))
    ORDER BY j.id FOR UPDATE OF j SKIP LOCKED""")
# The waiting job's key is free from when the job begins, so that one put in meanwhile does not stop this one from
# waiting again; see free_key.
_AGAIN: Final = text("""
    UPDATE procrastinate_jobs SET status = 'todo', queueing_lock = NULL, worker_id = NULL,
        attempts = attempts + 1, scheduled_at = NULL WHERE id = :id AND status = 'doing'""")
_GIVE_UP: Final = text("""
    UPDATE procrastinate_jobs SET status = 'failed', queueing_lock = NULL, worker_id = NULL, attempts = attempts + 1
    WHERE id = :id AND status = 'doing'""")
_REVIVE: Final = """
    UPDATE procrastinate_jobs j SET status = 'todo', attempts = 0, queueing_lock = NULL, scheduled_at = NULL
    WHERE j.id = :id AND j.status IN ('failed', 'aborted')"""
_UNTOLD: Final = text("""
    SELECT j.id, j.task_name, j.args FROM procrastinate_jobs j LEFT JOIN job_failures f ON f.job_id = j.id
    WHERE j.status IN ('failed', 'aborted') AND j.task_name = ANY(:tasks) AND NOT coalesce(f.told, false)
    ORDER BY j.id LIMIT :limit FOR UPDATE OF j SKIP LOCKED""")
# Its failure may never have been noted: the database was away then.
_TOLD: Final = text("""
    INSERT INTO job_failures (job_id, error, trace, told) VALUES (:id, 'unknown', '[]', true)
    ON CONFLICT (job_id) DO UPDATE SET told = true""")
_OLD: Final = text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT j.id FROM procrastinate_jobs j WHERE j.status IN ('succeeded', 'cancelled') AND (
            (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) < :finished_before
            OR j.id <= (SELECT k.id FROM procrastinate_jobs k WHERE k.status = 'succeeded'
                        ORDER BY k.id DESC OFFSET :finished_max LIMIT 1))
        LIMIT :at_once)""")
_OLD_DEAD: Final = text("""
    DELETE FROM procrastinate_jobs j USING job_failures f
    WHERE f.job_id = j.id AND j.status IN ('failed', 'aborted') AND f.at < :dead_before""")


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One that failed as often as it may. `trace` names places in the code, never values."""

    id: int
    task: str
    queue: str
    args: dict[str, Any]
    tries: int
    error: str
    trace: list[str]
    failed_at: datetime | None


class JobStore:
    """With a tenant's unit of work it sees that tenant's jobs in `dead` and `revive`; all in the rest."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session

    async def free_key(self, job_id: int) -> None:
        """Let a second job of this one's key be put in: this one is being done."""
        await self._session.execute(
            text("UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id = :id"), {"id": job_id}
        )

    async def note_failure(self, job_id: int, org_id: UUID | None, error: str, trace: list[str]) -> None:
        """Remember why, in place of an earlier reason; nothing when the job or its organisation is gone."""
        fault = {"org_id": org_id, "error": error, "trace": trace, "at": utc_now(), "told": False}
        put = insert(JobFailure).values(job_id=job_id, **fault)
        try:
            async with self._session.begin_nested():
                await self._session.execute(put.on_conflict_do_update(index_elements=["job_id"], set_=fault))
        except IntegrityError:
            return

    async def dead(self, org_id: UUID | None, *, before: int | None, limit: int) -> list[DeadJob]:
        """Return the newest, of one organisation or of all; `before` is the id that the last page ended with."""
        of_org = _OF_ORG if org_id is not None else ""
        later = " AND j.id < :before" if before is not None else ""
        found = await self._session.execute(
            text(f"{_DEAD}{of_org}{later} ORDER BY j.id DESC LIMIT :limit"),
            {"limit": limit}
            | ({"org": str(org_id)} if org_id is not None else {})
            | ({"before": before} if before is not None else {}),
        )
        return [_dead(row) for row in found]

    async def count_dead(self) -> int:
        counted = text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('failed', 'aborted')")
        return int(await self._session.scalar(counted) or 0)

    async def revive(self, job_id: int, org_id: UUID | None) -> bool:
        """Have a dead job tried again as if it were new; False: there is none of that id, or not this tenant's."""
        of_org = _OF_ORG if org_id is not None else ""
        job = {"id": job_id} | ({"org": str(org_id)} if org_id is not None else {})
        done = await self._session.execute(text(f"{_REVIVE}{of_org}"), job)
        return bool(done.rowcount)  # type: ignore[attr-defined]  # a cursor's result, not told by its type

    async def left_behind(self) -> list[Row[Any]]:
        """Lock and return id, task_name, attempts and args of what dead workers were doing."""
        return list(await self._session.execute(_LEFT, {"silent_s": SILENT_S}))

    async def do_again(self, job_id: int) -> None:
        await self._session.execute(_AGAIN, {"id": job_id})

    async def give_up(self, job_id: int) -> None:
        await self._session.execute(_GIVE_UP, {"id": job_id})

    async def untold(self, tasks: Sequence[str], limit: int) -> list[Row[Any]]:
        """Lock and return id, task_name and args of dead jobs of these tasks, of which nobody was told yet."""
        return list(await self._session.execute(_UNTOLD, {"tasks": list(tasks), "limit": limit}))

    async def mark_told(self, job_id: int) -> None:
        await self._session.execute(_TOLD, {"id": job_id})

    async def is_dead(self, job_id: int) -> bool:
        """Say whether it lies with the dead letters still; while this transaction goes on nobody revives it."""
        held = text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status IN ('failed', 'aborted') FOR UPDATE")
        return await self._session.scalar(held, {"id": job_id}) is not None

    async def forget_old(self, now: datetime) -> None:
        """Delete what finished more than a day or a thousand jobs ago, and dead letters of more than 30 days."""
        limits = {
            "finished_before": now - FINISHED_KEPT,
            "finished_max": FINISHED_MAX,
            "at_once": AT_ONCE,
        }
        await self._session.execute(_OLD, limits)
        await self._session.execute(_OLD_DEAD, {"dead_before": now - DEAD_KEPT})


def _dead(row: Row[Any]) -> DeadJob:
    return DeadJob(
        id=row.id,
        task=row.task_name,
        queue=row.queue_name,
        args=row.args,
        tries=row.attempts,
        error=row.error or "unknown",
        trace=row.trace or [],
        failed_at=row.at,
    )
