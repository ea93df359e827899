"""Doing the jobs: procrastinate's workers on connections of their own, each for queues that another cannot hold up.

Outlives Postgres: what was being done is done again by whoever finds it (jobs.take_up).
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import Job
from psycopg import Error as PostgresError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from crm.database import PEER_TIMEOUT_MS, STATEMENT_TIMEOUT_MS
from crm.jobs.backoff import wait_s
from crm.jobs.giving_up import put_in_notices
from crm.jobs.jobs import org_of, take_up
from crm.jobs.port import Queue, Task
from crm.jobs.queue import PRIORITIES
from crm.jobs.registry import TASKS
from crm.jobs.store import JobStore
from crm.unit_of_work import UnitOfWork
from crm.work import Work

# Each worker's queues, and how many of their jobs it does at once.
WORKERS: Final[Mapping[str, tuple[tuple[Queue, ...], int]]] = {
    "jobs.usual": ((Queue.CRITICAL, Queue.VOICE, Queue.DEFAULT), 4),
    # Two more, which no job of another queue can hold up.
    "jobs.critical": ((Queue.CRITICAL,), 2),
    # They wait for a socket most of the time.
    "jobs.outside": ((Queue.OUTSIDE,), 8),
    "jobs.long": ((Queue.LONG,), 2),
}
# Of the library: a job takes one to be fetched and to be ended, none while it is being done.
CONNECTIONS_MAX: Final = 6
POLL_S: Final = 2.0  # a notice wakes a worker sooner; one is lost when its connection is
TAKE_UP_EVERY_S: Final = 30.0
STOP_S: Final = 8.0  # told to stop: jobs in progress may go on for so long, then another worker has them
PAUSE_S: Final = 3.0  # Postgres away: until the next try
CONNECT_S: Final = 5
FRAMES_KEPT: Final = 20

# Whoever uses the queue sees what is wrong in our own lines; the library's hold the texts of faults.
logging.getLogger("procrastinate").setLevel(logging.CRITICAL + 1)
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL + 1)
log = structlog.get_logger()

_AWAY: Final = (ProcrastinateException, SQLAlchemyError, PostgresError, OSError, TimeoutError)


class _Strategy(BaseRetryStrategy):
    def __init__(self, task: Task) -> None:
        self._task = task

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            # We stop: no fault of the job's.
            return RetryDecision(retry_at=datetime.now(UTC))
        failures = job.attempts + 1
        if failures >= self._task.tries_max:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait_s(failures)))


async def do_jobs_until(stop: asyncio.Event, work: Work, tasks: Mapping[str, Task] = TASKS) -> None:
    """Do jobs until told to stop, then wait at most STOP_S for those in progress."""
    away = False
    while not stop.is_set():
        error = await _session(stop, work, tasks)
        if error is not None and not away:
            log.warning("jobs.paused", error=error)
        away = error is not None
        if away:
            await _or_stopped(stop, PAUSE_S)


async def do_what_waits(work: Work, tasks: Mapping[str, Task] = TASKS) -> None:
    """Do all jobs that may be done now, one after the other, what they put in too; then return."""
    app = _app(work, tasks)
    async with app.open_async():
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False, listen_notify=False)


async def _session(stop: asyncio.Event, work: Work, tasks: Mapping[str, Task]) -> str | None:
    """Work on one set of connections; return what broke it, None when told to stop."""
    broken: str | None = None
    try:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(_work(work, tasks), name="jobs.workers")
            stopped = group.create_task(stop.wait(), name="jobs.stop")
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            working.cancel()
            stopped.cancel()
    except* _AWAY as faults:
        broken = _name_of(faults)
    if stop.is_set():
        return None
    # A worker ends by itself when its notices or its heartbeat fail.
    return broken or "WorkerEnded"


def _name_of(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return type(fault).__name__


async def _work(work: Work, tasks: Mapping[str, Task]) -> None:
    app = _app(work, tasks)
    async with app.open_async(), asyncio.TaskGroup() as group:
        workers = [
            group.create_task(_worker(app, [queue.value for queue in queues], at_once), name=name)
            for name, (queues, at_once) in WORKERS.items()
        ]
        taking = group.create_task(_take_up(work, tasks), name="jobs.take_up")
        await asyncio.wait({*workers, taking}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*workers, taking):
            task.cancel()


async def _worker(app: App, queues: list[str], at_once: int) -> None:
    await app.run_worker_async(
        queues=queues,
        concurrency=at_once,
        fetch_job_polling_interval=POLL_S,
        shutdown_graceful_timeout=STOP_S,
        install_signal_handlers=False,
    )


async def _take_up(work: Work, tasks: Mapping[str, Task]) -> None:
    tries_max = {name: task.tries_max for name, task in tasks.items()}
    while True:
        async with UnitOfWork(work.sessions) as unit:
            taken = await take_up(unit, tries_max)
            await put_in_notices(unit, tasks)
            await unit.commit()
        if taken:
            log.warning("jobs.taken_up", jobs=taken)
        await asyncio.sleep(TAKE_UP_EVERY_S)


def _app(work: Work, tasks: Mapping[str, Task]) -> App:
    address = make_url(work.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {
        "connect_timeout": CONNECT_S,
        "tcp_user_timeout": PEER_TIMEOUT_MS,
        "application_name": "salesos-jobs",
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
    }
    connector = PsycopgConnector(
        conninfo=address,
        kwargs=settings,
        min_size=1,
        max_size=CONNECTIONS_MAX,
        timeout=CONNECT_S,
        reconnect_timeout=CONNECT_S,
    )
    app = App(connector=connector)
    for task in tasks.values():
        _add(app, task, work)
    return app


def _add(app: App, task: Task, work: Work) -> None:
    # A second one is not put in while one waits: a worker that was away does it once, not once for each hour.
    key = f"cron:{task.name}" if task.cron else None
    added = app.task(
        name=task.name,
        queue=task.queue.value,
        priority=PRIORITIES[task.queue],
        queueing_lock=key,
        retry=_Strategy(task),
        pass_context=True,
    )(_running(task, work))
    if task.cron:
        app.periodic(cron=task.cron)(added)


def _running(task: Task, work: Work) -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, **args: Any) -> None:
        job = context.job
        assert job.id is not None, "a job that was fetched has its id"
        if task.cron:
            args.pop("timestamp", None)
        began = monotonic()
        try:
            if job.queueing_lock:
                async with UnitOfWork(work.sessions) as unit:
                    await JobStore(unit).free_key(job.id)
                    await unit.commit()
            await task.run(work, args)
        except Exception as error:
            await _failed(task, job, error, work)
            raise
        log.info("job.done", task=task.name, job_id=job.id, took_ms=round(1_000 * (monotonic() - began)))

    return run


async def _failed(task: Task, job: Job, error: Exception, work: Work) -> None:
    """Write down why, whoever looks at it later; the library decides on the next try."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_KEPT:]
    trace = [f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    failures = job.attempts + 1
    dead = failures >= task.tries_max
    level = logging.ERROR if dead else logging.WARNING
    kind = type(error).__name__
    line = {"task": task.name, "job_id": job.id, "tries": failures, "error": kind, "pii.detail": str(error)}
    log.log(level, "job.dead" if dead else "job.failed", **line)
    try:
        async with UnitOfWork(work.sessions) as unit:
            await JobStore(unit).note_failure(job.id or 0, org_of(job.task_kwargs), kind, trace)
            await unit.commit()
    except (SQLAlchemyError, OSError, TimeoutError) as away:
        log.warning("job.failure_not_noted", job_id=job.id, error=type(away).__name__)


async def _or_stopped(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
