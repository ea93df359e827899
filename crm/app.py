"""The CRM process: the HTTP server and the consumer of the calls' events, in one event loop."""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final

import structlog
import uvicorn
import uvloop
from fastapi import Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError

from config.logs import configure_logs, die
from config.settings import BadSettings, Settings
from crm.audit.draining import drain_for_ever
from crm.audit.journal import Journal
from crm.audit.trail import Trail
from crm.background import beside
from crm.billing.plans import BadPlans
from crm.billing.prices import BadPrices
from crm.bus import end_tasks
from crm.call_events import EventConsumer
from crm.calls.recordings import BadStore
from crm.chat.usecases import open_desk
from crm.compliance.rules import BadRules
from crm.cors import Origins
from crm.database import POOL_MIN, SchemaMismatch, UnsafeRole, check_role, check_schema
from crm.features import FEATURES
from crm.limits.strangers import count_strangers
from crm.migrate import head_revision
from crm.openapi import describe, tag_of
from crm.organisation_path import OrganisationPath
from crm.pages.routes import add_pages
from crm.pool import reap_for_ever
from crm.problems import add_problem_handlers
from crm.request_context import RequestContext
from crm.resources import Resources, open_resources

# Requests that are still running when we are told to stop: a dial waits 5 s for its node.
SHUTDOWN_TIMEOUT_S: Final = 8
BACKLOG: Final = 2048

log = structlog.get_logger()


def create_app(settings: Settings, resources: Resources | None = None) -> FastAPI:
    """Return the web application. Resources that it had to make itself it closes when its lifespan ends.

    Raises:
        BadSettings, BadPrices, BadRules, BadStore
    """
    held = resources or open_resources(settings)
    journal = Journal(settings.data_dir / "audit")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with AsyncExitStack() as stack:
            if resources is None:
                stack.push_async_callback(held.aclose)
            stack.callback(journal.close)
            await stack.enter_async_context(beside(drain_for_ever(journal, held.sessions), "crm.audit"))
            await stack.enter_async_context(beside(reap_for_ever(held.engine, POOL_MIN), "crm.pool"))
            if held.replica is not None:
                await stack.enter_async_context(beside(held.replica.look_for_ever(), "crm.replica"))
                await stack.enter_async_context(
                    beside(reap_for_ever(held.replica.engine, POOL_MIN), "crm.replica_pool")
                )
            app.state.desk = await stack.enter_async_context(open_desk(settings, held))
            yield

    app = FastAPI(
        title="Sales OS CRM",
        lifespan=lifespan,
        # The framework's own pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(count_strangers)],
    )
    app.state.resources = held
    app.state.audit = journal
    add_problem_handlers(app)
    for feature in FEATURES:
        app.include_router(feature.router, tags=[tag_of(feature)])
    add_pages(app)
    describe(app)
    app.add_middleware(OrganisationPath)
    app.add_middleware(Trail, journal=journal)
    # The last one added is the first one asked.
    app.add_middleware(Origins, allowed=settings.allowed_origins)
    app.add_middleware(RequestContext)
    return app


def run(settings: Settings) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); a fault at the start is named in one line and ends the process."""
    configure_logs("crm", settings.log_level)
    uvloop.run(_serve(settings))


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would end the process by them before the rest has stopped."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _serve(settings: Settings) -> None:
    resources = _open(settings)
    await _check_database(resources)
    listener = _listen(settings)
    app = create_app(settings, resources)
    server = _Server(
        uvicorn.Config(
            app,
            ws="websockets-sansio",
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
    )

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    consumer = EventConsumer(resources.sessions, resources.redis)
    log.info("crm.started", port=settings.crm_port)
    try:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(consumer.run(), name="crm.events")
            await server.serve(sockets=[listener])
            await end_tasks([reading])
    finally:
        await resources.aclose()
    log.info("crm.stopped")


def _open(settings: Settings) -> Resources:
    try:
        return open_resources(settings)
    except (BadSettings, BadPlans, BadPrices, BadRules) as fault:
        die("crm", _cause(fault), faults=fault.faults)
    except BadStore as fault:
        die("crm", "bad_store", detail=str(fault))


def _cause(fault: BadSettings | BadPlans | BadPrices | BadRules) -> str:
    causes = {"BadPlans": "bad_plans", "BadPrices": "bad_prices", "BadRules": "bad_compliance_rules"}
    return causes.get(type(fault).__name__, "bad_settings")


async def _check_database(resources: Resources) -> None:
    try:
        await check_role(resources.engine)
        await check_schema(resources.engine, head_revision())
    except UnsafeRole as fault:
        die("crm", "unsafe_database_role", detail=str(fault))
    except SchemaMismatch as fault:
        die("crm", "database_not_migrated", detail=str(fault))
    except (SQLAlchemyError, OSError) as error:
        die("crm", "database_unreachable", error=type(error).__name__)


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.crm_port), backlog=BACKLOG, reuse_port=False)
    except OSError as error:
        die("crm", "port_busy", port=settings.crm_port, variable="SALESOS_CRM_PORT", error=error.strerror)
