"""What all tests share: one throw-away Postgres and Redis for the whole session, databases made from a template."""

import importlib
import importlib.util
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from hypothesis import settings
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

from salesos.embedded.postgres import APP_ROLE, DATABASE, OWNER_ROLE, EmbeddedPostgres, PostgresAddresses
from salesos.embedded.redis import EmbeddedRedis

# A disk or a core that others use must not fail a test: what is slow is found by the bench.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
# The other way of drawing a traceback takes seconds of computing for one.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

# Whose calls are spoken in real time: they begin at once, so that the rest fills the time they wait. Beside the many
# calls of the running system come those with one call each.
SPOKEN = (
    "tests/system/",
    "tests/telephony/test_refusals_on_stage.py",
    "tests/telephony/test_model_call_on_stage.py",
    "tests/telephony/",
    "tests/crm/tools/test_on_stage.py",
    "tests/bench/",
)
# The rest begins with what is not hurt by a core that calls need just then: it counts, against no clock.
PATIENT = ("tests/simulation/", "tests/media/")
# More calls at once would starve one another on two cores, and tests that only count must not starve them either:
# so many workers begin with the spoken tests, and those beside them step back.
CALLS_AT_ONCE = 2
NICE_OF_THE_REST = 5


class Lanes(LoadScopeScheduling):  # type: ignore[misc]  # for the same reason
    """Keeps a file's tests in one process, and those of the one running system: they share what is dear to start.

    The first workers take the spoken tests first; those beside them leave these alone while there is anything else.
    """

    def _split_scope(self, nodeid: str) -> str:
        return SPOKEN[0] if nodeid.startswith(SPOKEN[0]) else nodeid.split("::", 1)[0]

    def _assign_work_unit(self, node: Any) -> None:
        if not _holds_calls(node.gateway.id):
            quiet = next((scope for scope in self.workqueue if not scope.startswith(SPOKEN)), None)
            if quiet is not None:
                self.workqueue.move_to_end(quiet, last=False)
        super()._assign_work_unit(node)


def _holds_calls(worker: str) -> bool:
    """Return whether a worker ("gw0", "gw1", ...) is of those that begin with the spoken tests."""
    return int(worker.removeprefix("gw")) < CALLS_AT_ONCE


def pytest_configure(config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None and not _holds_calls(worker):
        os.nice(NICE_OF_THE_REST)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    config.option.loadscopereorder = False  # the order below
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first = SPOKEN + PATIENT

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, path in enumerate(first) if item.nodeid.startswith(path)), len(first))

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A simulation is silent and a command sends its logs elsewhere: neither holds for the tests behind it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The running throw-away cluster; its database `salesos` is empty."""
    cluster = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def postgres(postgres_cluster: EmbeddedPostgres) -> PostgresAddresses:
    """Addresses of the session's database, migrated once when the CRM has migrations."""
    addresses = postgres_cluster.addresses_of(DATABASE)
    _migrate(addresses.owner_url)
    return addresses


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the session's Redis. Tests share it: use keys of your own, or another database number."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_cluster: EmbeddedPostgres) -> str:
    """The name of a migrated database that nobody is connected to: what new ones are copied from."""
    name = "template_migrated"
    _create(postgres_cluster, name, "template1")
    _migrate(postgres_cluster.addresses_of(name).owner_url)
    return name


@pytest.fixture
def fresh_database(postgres_cluster: EmbeddedPostgres, migrated_template: str) -> Iterator[PostgresAddresses]:
    """A migrated database of the test's own, without a row."""
    name = f"test_{uuid.uuid4().hex}"
    _create(postgres_cluster, name, migrated_template)
    yield postgres_cluster.addresses_of(name)
    _drop(postgres_cluster, name)


@pytest.fixture
def empty_database(postgres_cluster: EmbeddedPostgres) -> Iterator[PostgresAddresses]:
    """A database of the test's own that no migration has touched."""
    name = f"test_{uuid.uuid4().hex}"
    _create(postgres_cluster, name, "template1")
    yield postgres_cluster.addresses_of(name)
    _drop(postgres_cluster, name)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Find an optional program's path; without it the test is skipped, or fails where CI has to have it."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            message = f"{name} is not installed: `salesos doctor` tells where it comes from"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        return path

    return find


def _create(cluster: EmbeddedPostgres, name: str, template: str) -> None:
    words = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
    _run(cluster, words.format(sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template)))


def _drop(cluster: EmbeddedPostgres, name: str) -> None:
    _run(cluster, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(cluster: EmbeddedPostgres, statement: sql.Composed) -> None:
    address = cluster.addresses_of("postgres").admin_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


def _migrate(owner_url: str) -> None:
    """Migrate when the CRM has its migrations; before that the database stays empty."""
    if importlib.util.find_spec("crm.migrate") is None:
        return
    importlib.import_module("crm.migrate").migrate(owner_url, APP_ROLE)
