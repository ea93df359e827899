"""The servers that a bench may start for itself; the product's command hands over how (see salesos.measure)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Database:
    """Addresses of an empty database, passwords included: never print one."""

    app_url: str  # neither owner nor superuser: what the product runs with
    owner_url: str  # migrations only
    admin_url: str  # superuser
    app_role: str


class MortalPostgres(Protocol):
    """A Postgres that runs; both calls block, and are made by the thread that opened it."""

    @property
    def database(self) -> Database:
        """Its addresses, the same after each start."""
        ...

    def kill(self) -> None:
        """End the server and all its children by SIGKILL, at once."""
        ...

    def start(self) -> None:
        """Start it again on what its files hold; it recovers before it answers."""
        ...


@dataclass(frozen=True, slots=True)
class Servers:
    """Each starts a server with its files in a folder for as long as the context is open, and gives its address."""

    redis: Callable[[Path], AbstractContextManager[str]]
    postgres: Callable[[Path], AbstractContextManager[Database]]  # as in production: fsync and synchronous commit
    mortal_postgres: Callable[[Path], AbstractContextManager[MortalPostgres]]  # the same, to be killed
