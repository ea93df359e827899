"""`salesos bench …`: the bench's own command line, with a Redis of ours for the server that it measures."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from bench.command import app
from salesos import parent_watch
from salesos.embedded.engine import EngineFailed
from salesos.embedded.redis import EmbeddedRedis


def run_bench(arguments: Sequence[str]) -> None:
    """Run one of the bench's commands; leaves by SystemExit with its status."""
    parent_watch.start()
    app(list(arguments), prog_name="salesos bench", obj=redis_in)


@contextlib.contextmanager
def redis_in(data_dir: Path) -> Iterator[str]:
    """Run a Redis with its files in `data_dir` while the context is open; gives its address."""
    server = EmbeddedRedis(data_dir)
    try:
        yield server.start()
    except EngineFailed as error:
        typer.echo(f"salesos bench: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        server.stop()
