"""The body of the port: a job is a row of procrastinate's table, written by the caller's own transaction."""

import json
from datetime import datetime
from typing import Final

from sqlalchemy import text

from crm.jobs.port import Args, Queue, Task
from crm.unit_of_work import UnitOfWork

# The worker takes the highest first, whichever queue it is of.
PRIORITIES: Final = {Queue.CRITICAL: 20, Queue.VOICE: 10, Queue.DEFAULT: 0, Queue.OUTSIDE: 0, Queue.LONG: 0}
# The index in the conflict is the queue's own: one job of a key waits.
_PUT: Final = text("""
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    VALUES (:queue, :task, :priority, :lock, :key, CAST(:args AS jsonb), :at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING""")


class PostgresJobs:
    """Implements crm.jobs.port.Jobs."""

    async def defer(
        self, unit: UnitOfWork, task: Task, args: Args, *, at: datetime | None = None, key: str = "", lock: str = ""
    ) -> None:
        """See the port."""
        job = {
            "queue": task.queue.value,
            "task": task.name,
            "priority": PRIORITIES[task.queue],
            "lock": lock or None,
            "key": key or None,
            "args": json.dumps(dict(args)),
            "at": at,
        }
        await unit.session.execute(_PUT, job)


JOBS: Final = PostgresJobs()
