"""The worker process: what has to be done by the clock, each as a loop of its own.

It gives back what was reserved for dials that no voice node ever spoke for, deletes recordings whose time is over or
whose erasure was asked for, and has the notes of calls written that are over. Each night it compares what models took
with what their vendors report.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Final

import structlog
import uvloop
from redis.asyncio import Redis
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from config.logs import configure_logs, die
from config.model_prices import BadModelPrices
from config.settings import BadSettings, Settings
from crm.background import beside
from crm.bus import REDIS_AWAY, newest_entry, open_redis
from crm.calls.cursors import CursorStore, entry_order
from crm.calls.erasure import do_one_duty
from crm.calls.model import PendingDial
from crm.calls.recordings import BadStore, open_store
from crm.calls.release import release_call
from crm.database import (
    POOL_MIN,
    SchemaMismatch,
    Sessions,
    UnsafeRole,
    check_role,
    check_schema,
    open_engine,
    open_sessions,
)
from crm.jobs.running import do_jobs_until
from crm.mail.post import open_post
from crm.migrate import head_revision
from crm.pool import reap_for_ever
from crm.resources import CONFIG_FOLDER
from crm.understanding.after_call import open_note_desk, write_until
from crm.unit_of_work import UnitOfWork
from crm.usage.openai_report import OpenAIReports
from crm.usage.reconcile import Sources, reconcile_until
from crm.webhooks.addresses import read_networks
from crm.webhooks.sending import Sender
from crm.work import Work
from events.call import Outcome
from events.ids import new_id

SWEEP_EVERY_S: Final = 10.0
SWEEP_MAX: Final = 200
# Any number that nobody else uses: one worker of the cluster sweeps at a time.
SWEEP_LOCK: Final = 7_351_002
PLAYBOOKS: Final = CONFIG_FOLDER / "playbooks"

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Work until told to stop (SIGTERM, SIGINT)."""
    configure_logs("worker", settings.log_level)
    uvloop.run(_work(settings))


async def sweep(sessions: Sessions, redis: Redis) -> int:
    """Release the dials that are overdue, and return how many were.

    A dial whose event waits unread in its stream is left alone: the consumer is late, not the node.

    Raises:
        RedisError, OSError, TimeoutError, SQLAlchemyError: Redis or Postgres away; the next sweep goes on.
    """
    async with UnitOfWork(sessions) as unit:
        if not await unit.session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK}):
            return 0
        overdue = (
            await unit.session.scalars(select(PendingDial).where(PendingDial.release_at < func.now()).limit(SWEEP_MAX))
        ).all()
        cursors = CursorStore(unit, new_id())
        released = 0
        # The lock is kept by the outer transaction while each call is released in one of its own tenant.
        for dial in overdue:
            if await _is_behind(redis, dial.stream, await cursors.cursor(dial.stream)):
                continue
            async with UnitOfWork(sessions, dial.org_id) as own:
                done = await release_call(own, dial.call_id, Outcome.UNKNOWN, "no_word_from_node")
                await own.commit()
            if done:
                released += 1
                log.warning("dial.released", call_id=str(dial.call_id))
    return released


async def _is_behind(redis: Redis, stream: str, cursor: str) -> bool:
    newest = await newest_entry(redis, stream)
    return newest is not None and entry_order(newest) > entry_order(cursor)


async def _work(settings: Settings) -> None:
    try:
        engine = open_engine(settings.need("database_url"))
        redis = open_redis(settings.need("redis_url"))
        store = open_store(settings.store_address)
    except BadSettings as fault:
        die("worker", "bad_settings", faults=fault.faults)
    except BadStore as fault:
        die("worker", "bad_store", detail=str(fault))
    try:
        await check_role(engine)
        await check_schema(engine, head_revision())
    except UnsafeRole as fault:
        die("worker", "unsafe_database_role", detail=str(fault))
    except SchemaMismatch as fault:
        die("worker", "database_not_migrated", detail=str(fault))
    except (SQLAlchemyError, OSError) as error:
        die("worker", "database_unreachable", error=type(error).__name__)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("worker.started")
    sessions = open_sessions(engine)
    try:
        async with (
            beside(reap_for_ever(engine, POOL_MIN), "worker.pool"),
            open_note_desk(settings, sessions, PLAYBOOKS) as desk,
            asyncio.TaskGroup() as tasks,
        ):
            work = Work(
                sessions=sessions,
                database_url=settings.need("database_url"),
                redis=redis,
                store=store,
                notes=desk,
                usage=_sources(settings),
                post=open_post(settings.mail_url.get_secret_value(), settings.mail_from, settings.data_dir / "letters"),
                webhooks=Sender(read_networks(settings.webhook_networks)),
                secret_key=settings.secret_key.get_secret_value(),
                site_url=settings.site_address,
                dead_letters_max=settings.dead_letters_max,
            )
            for name, loop in LOOPS.items():
                tasks.create_task(loop(stop, work), name=name)
    except BadModelPrices as fault:
        die("worker", "bad_model_prices", detail=str(fault))
    finally:
        await redis.aclose()
        await engine.dispose()
    log.info("worker.stopped")


def _sources(settings: Settings) -> Sources:
    """Where the vendors' own reports of what they were asked for come from."""
    key = settings.openai_admin_key
    vendors = {"openai": OpenAIReports(key.get_secret_value(), settings.openai_base_url)} if key is not None else {}
    folder = Path(settings.usage_reports) if settings.usage_reports else None
    return Sources(vendors, folder, settings.usage_difference_max)


async def _sweep_until(stop: asyncio.Event, work: Work) -> None:
    away = False
    while not stop.is_set():
        try:
            await sweep(work.sessions, work.redis)
            while not stop.is_set() and await do_one_duty(work.sessions, work.store):
                pass
        except (*REDIS_AWAY, SQLAlchemyError) as error:
            if not away:
                log.warning("worker.paused", error=type(error).__name__)
            away = True
        else:
            if away:
                log.info("worker.resumed")
            away = False
        try:
            async with asyncio.timeout(SWEEP_EVERY_S):
                await stop.wait()
        except TimeoutError:
            continue


# Each runs until told to stop, outlives Postgres and Redis being away, and ends the process with any other fault.
LOOPS: Final[Mapping[str, Callable[[asyncio.Event, Work], Coroutine[None, None, None]]]] = {
    "jobs": do_jobs_until,
    "usage.reconcile": lambda stop, work: reconcile_until(stop, work.sessions, work.usage),
    "worker.notes": lambda stop, work: write_until(stop, work.sessions, work.redis, work.notes),
    "worker.sweep": _sweep_until,
}
