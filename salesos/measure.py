"""`salesos bench …`: the bench's own command line, with servers of ours for what it measures."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from bench.command import app
from bench.servers import Database, Servers
from salesos import parent_watch
from salesos.embedded.engine import EngineFailed, wait_until_gone
from salesos.embedded.postgres import APP_ROLE, EmbeddedPostgres
from salesos.embedded.redis import EmbeddedRedis

GONE_TIMEOUT_S: Final = 10.0


def run_bench(arguments: Sequence[str]) -> None:
    """Run one of the bench's commands; leaves by SystemExit with its status."""
    parent_watch.start()
    app(list(arguments), prog_name="salesos bench", obj=Servers(redis_in, postgres_in, mortal_postgres_in))


@contextlib.contextmanager
def redis_in(data_dir: Path) -> Iterator[str]:
    """Run a Redis with its files in `data_dir` while the context is open; gives its address."""
    server = EmbeddedRedis(data_dir)
    with _told():
        try:
            yield server.start()
        finally:
            server.stop()


@contextlib.contextmanager
def postgres_in(data_dir: Path) -> Iterator[Database]:
    """Run a Postgres with its files in `data_dir` while the context is open; gives an empty database's addresses."""
    server = EmbeddedPostgres(data_dir, durable=True)
    with _told():
        try:
            made = server.start()
            yield Database(made.app_url, made.owner_url, made.admin_url, APP_ROLE)
        finally:
            server.stop()


@contextlib.contextmanager
def mortal_postgres_in(data_dir: Path) -> Iterator["MortalPostgres"]:
    """Run a Postgres with its files in `data_dir` while the context is open, which may be killed and started again."""
    server = EmbeddedPostgres(data_dir, durable=True)
    with _told():
        try:
            made = server.start()
            yield MortalPostgres(server, Database(made.app_url, made.owner_url, made.admin_url, APP_ROLE))
        finally:
            server.stop()


@dataclass(frozen=True, slots=True)
class MortalPostgres:
    """Implements bench.servers.MortalPostgres."""

    server: EmbeddedPostgres
    database: Database

    def kill(self) -> None:
        """See the protocol."""
        pid = self.server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        for one in map(int, children):
            wait_until_gone(one, GONE_TIMEOUT_S)

    def start(self) -> None:
        """See the protocol. Raises EngineFailed."""
        self.server.start()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn a server that does not start into one line and exit status 1."""
    try:
        yield
    except EngineFailed as error:
        typer.echo(f"salesos bench: {error}", err=True)
        raise typer.Exit(1) from None
