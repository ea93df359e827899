"""Work that is done later by a worker: what a job is, and how one is put in a queue.

A job is put in by the transaction that needs it done: it is there when that commits, and never was when it rolls
back. It is done at least once: a worker that dies leaves it to another, so `run` does nothing twice that it may not.
A job that fails is tried again after a while, longer each time; after `tries_max` it lies with the dead letters until
a person has it tried again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from crm.unit_of_work import UnitOfWork
from crm.work import Work

TRIES_MAX: Final = 5

# What a job is told. The queue is outside row security: ids, counts and times, never a name, number or word of
# anybody. A tenant's job has its `org_id`, as text, and opens a unit of work with it.
Args = Mapping[str, str | int | bool | None]


class Queue(StrEnum):
    """The first is emptied before the second is looked at, that before the third; the others have their own workers.

    These hold nothing up: what waits for somebody outside or takes minutes is no job of the first three.
    """

    CRITICAL = "critical"  # money, do-not-call, what a person waits for
    VOICE = "voice"  # what a call waits for or leaves behind
    DEFAULT = "default"
    OUTSIDE = "outside"  # waits for a customer's server
    LONG = "long"  # minutes of reading and writing in one go


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of job; a feature lists its own in `jobs.py` of its folder (see crm.jobs.registry)."""

    name: str  # folder, dot, verb: "imports.read"; stays for as long as jobs of it may be queued
    run: Callable[[Work, Args], Awaitable[None]]
    queue: Queue = Queue.DEFAULT
    tries_max: int = TRIES_MAX
    # Five fields in UTC: it is also done then, with no args, once in the whole cluster. Empty: only when put in.
    cron: str = ""
    # What is done, with the args of one that lies with the dead letters and its number as `job_id`, soon after it
    # came there: see crm.jobs.giving_up.
    when_dead: "Task | None" = None


class Jobs(Protocol):
    async def defer(
        self, unit: UnitOfWork, task: Task, args: Args, *, at: datetime | None = None, key: str = "", lock: str = ""
    ) -> None:
        """Put a job in, in the transaction of `unit`, which is entered; nothing is done before it commits.

        Args:
            at: not before then; None: at once.
            key: while a job of this key waits, a second one is not put in, silently; empty: each is. What is
                already being done does not count: what changed since may need doing again. Names the organisation
                when it is a tenant's, as `lock` does.
            lock: of the jobs with one lock one is done at a time, in the order in which they were put in.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the transaction is lost, and the job with it.
        """
        ...
