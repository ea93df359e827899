"""`salesos bench …`: the bench's own command line, with servers of ours for what it measures."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from bench.command import app
from bench.servers import Database, Servers
from salesos import parent_watch
from salesos.embedded.engine import EngineFailed
from salesos.embedded.postgres import APP_ROLE, EmbeddedPostgres
from salesos.embedded.redis import EmbeddedRedis


def run_bench(arguments: Sequence[str]) -> None:
    """Run one of the bench's commands; leaves by SystemExit with its status."""
    parent_watch.start()
    app(list(arguments), prog_name="salesos bench", obj=Servers(redis_in, postgres_in))


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
def _told() -> Iterator[None]:
    """Turn a server that does not start into one line and exit status 1."""
    try:
        yield
    except EngineFailed as error:
        typer.echo(f"salesos bench: {error}", err=True)
        raise typer.Exit(1) from None
