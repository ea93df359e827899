"""The whole system on one machine: engines, schema, demo data, processes; started and stopped in order."""

import os
import signal
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.settings import DEVELOPMENT_SECRET, ENV_PREFIX, BadSettings, Settings
from salesos import child as child_module
from salesos import ports
from salesos.child import Child
from salesos.data_folder import DataFolder, Running
from salesos.embedded import engine
from salesos.embedded.postgres import APP_ROLE, EmbeddedPostgres
from salesos.embedded.redis import EmbeddedRedis
from salesos.parent_watch import PARENT_VARIABLE
from salesos.screen import Screen
from salesos.stopping import StopFlag
from salesos.supervisor import Supervisor

READY_TIMEOUT_S: Final = 90.0
TICK_S: Final = 0.1
# Voice first, so that calls end while the CRM can still take their events.
STOP_ORDER: Final = ("voice", "carrier", "crm", "worker")
# What the voice process takes, when it is stopped, beyond the time that its calls may go on: hanging up, storing
# recordings, sending the last events. A second Ctrl-C waits no longer.
DRAIN_REST_S: Final = 40.0
ORPHAN_GRACE_S: Final = 12.0


class NotReady(Exception):
    """The processes started but did not become ready in time; the message holds the ends of their logs."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the state lives: addresses, passwords included."""

    database_url: str
    owner_url: str
    app_role: str
    redis_url: str


class System:
    """One running system. `start`, then `pause` again and again, then `stop`, all from the main thread."""

    def __init__(self, settings: Settings, screen: Screen, stop_flag: StopFlag) -> None:
        self._settings = settings
        self._screen = screen
        self._stop_flag = stop_flag
        self._supervisor = Supervisor(screen)
        self.folder = DataFolder(settings.data_dir)
        self._postgres: EmbeddedPostgres | None = None
        self._redis: EmbeddedRedis | None = None
        self._running: Running | None = None

    @property
    def running(self) -> Running:
        """Where everything is, once started."""
        if self._running is None:
            raise RuntimeError("the system was not started")
        return self._running

    def start(self, *, fresh: bool = False) -> Running:
        """Start everything and return when all of it is ready.

        Raises:
            FolderRefused, PortsBusy, BadSettings, EngineFailed, ChildFailed, NotReady: with the remedy.
            Stopped: the operator asked to stop meanwhile.
        """
        left_behind = self.folder.claim(fresh=fresh)
        if left_behind is not None:
            self._end_orphans(left_behind)
            self.folder.forget_running()
            if fresh:
                self.folder.empty()
        faults = ports.faults(self._settings.host, ports.wanted(self._settings))
        if faults:
            raise ports.PortsBusy("\n".join(faults))
        engines = self._start_engines()
        self._stop_flag.check()
        environment = self._environment(engines)
        # These need no database, so they warm up while it is migrated.
        names = ("voice", "carrier") if self._settings.uses_box_carrier else ("voice",)
        self._supervisor.start([self._child(name, environment) for name in names])
        email, password = self._prepare_database(engines)
        self._stop_flag.check()
        self._supervisor.start([self._child(name, environment) for name in ("crm", "worker")])
        self._note_running(email, password, ready=False)
        self._wait_until_ready()
        return self._note_running(email, password, ready=True)

    def pause(self, seconds: float) -> None:
        """Keep everything running for so long.

        Raises:
            Stopped: the operator asked to stop.
            ChildFailed: a process does not stay up.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._stop_flag.check()
            self._tick()
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(TICK_S, left_s))

    def stop(self) -> None:
        """Stop everything that was started, in order; nothing is left. Safe to repeat, and after a failed start."""
        self._supervisor.stop(STOP_ORDER, lambda: self._stop_flag.asked > 1)
        if self._redis is not None:
            self._redis.stop()
        if self._postgres is not None:
            self._postgres.stop()
        if self._running is not None:
            self.folder.forget_running()
        self.folder.release()

    def _tick(self) -> None:
        before = [child.pid for child in self._supervisor.children]
        self._supervisor.tick()
        if self._postgres is not None and not self._postgres.runs:
            self._screen.warn("postgres ended: restarting")
            self._postgres.start()
        if self._redis is not None and not self._redis.runs:
            self._screen.warn("redis ended: restarting")
            self._redis.start()
        if self._running is not None and before != [child.pid for child in self._supervisor.children]:
            self._note_running(self._running.email, self._running.password, ready=self._running.ready)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._supervisor.all_ready:
            self.pause(TICK_S)
            if time.monotonic() > deadline:
                raise NotReady("\n".join(self._supervisor.not_ready()))

    def _start_engines(self) -> Engines:
        settings = self._settings
        logs = self.folder.logs
        if settings.redis_url is not None:
            redis_url = settings.redis_url.get_secret_value()
        else:
            self._redis = EmbeddedRedis(self.folder.path / "redis", log_path=logs / "redis.log")
            child_module.bound_log(logs / "redis.log")
            redis_url = self._redis.start()
            self._screen.note(f"{'redis':<8} ready")
        if settings.database_url is not None:
            database_url = settings.database_url.get_secret_value()
            owner_url = settings.need("database_owner_url")
            return Engines(database_url, owner_url, role_of(database_url), redis_url)
        self._postgres = EmbeddedPostgres(self.folder.path / "postgres", log_path=logs / "postgres.log")
        child_module.bound_log(logs / "postgres.log")
        addresses = self._postgres.start()
        self._screen.note(f"{'postgres':<8} ready")
        return Engines(addresses.app_url, addresses.owner_url, APP_ROLE, redis_url)

    def _prepare_database(self, engines: Engines) -> tuple[str, str]:
        # Here, not above: SQLAlchemy and Alembic take longer to import than all the rest.
        from crm.migrate import migrate
        from crm.seed import seed_demo

        migrate(engines.owner_url, engines.app_role)
        sign_in = seed_demo(engines.database_url, self.folder.keys()["demo_password"], self._settings.from_number)
        self._screen.note(f"{'schema':<8} ready")
        return sign_in.email, sign_in.password

    def _environment(self, engines: Engines) -> dict[str, str]:
        """Return what every child gets; the owner's address, which can change the schema, is not among it."""
        environment = dict(os.environ)
        environment.pop(f"{ENV_PREFIX}DATABASE_OWNER_URL", None)
        environment |= {
            PARENT_VARIABLE: str(os.getpid()),
            f"{ENV_PREFIX}DATA_DIR": str(self.folder.path),
            f"{ENV_PREFIX}DATABASE_URL": engines.database_url,
            f"{ENV_PREFIX}REDIS_URL": engines.redis_url,
            "PYTHONUNBUFFERED": "1",
        }
        keys = self.folder.keys()
        for name in ("secret_key", "internal_key"):
            if getattr(self._settings, name).get_secret_value() == DEVELOPMENT_SECRET:
                environment[ENV_PREFIX + name.upper()] = keys[name]
        return environment

    def _child(self, name: str, environment: dict[str, str]) -> Child:
        settings = self._settings
        health = {
            "crm": f"{_local(settings, settings.crm_port)}/health/ready",
            "voice": f"{_local(settings, settings.voice_port)}/health/ready",
            "carrier": f"{_local(settings, settings.carrier_port)}/health/live",
        }
        if name in ("voice", "carrier"):
            # The voice process has no database connection at all.
            environment = {key: value for key, value in environment.items() if key != f"{ENV_PREFIX}DATABASE_URL"}
        log_path = self.folder.logs / f"{name}.log"
        stop_timeout_s = self._settings.drain_s + DRAIN_REST_S if name == "voice" else engine.STOP_TIMEOUT_S
        return Child(name, environment, log_path, health.get(name, ""), stop_timeout_s)

    def _note_running(self, email: str, password: str, *, ready: bool) -> Running:
        settings = self._settings
        self._running = Running(
            pid=os.getpid(),
            crm=_local(settings, settings.crm_port),
            voice=_local(settings, settings.voice_port),
            carrier=_local(settings, settings.carrier_port) if settings.uses_box_carrier else "",
            email=email,
            password=password,
            children={child.name: child.pid for child in self._supervisor.children},
            ready=ready,
        )
        self.folder.note_running(self._running)
        return self._running

    def _end_orphans(self, left_behind: Running) -> None:
        """A predecessor was killed: its children are ending by themselves; see that they do."""
        for name, pid in left_behind.children.items():
            if f"-m salesos {name}" not in engine.command_line(pid):
                continue
            self._screen.note(f"waiting for {name} (process {pid}) of a killed run to end")
            if not engine.wait_until_gone(pid, ORPHAN_GRACE_S):
                os.kill(pid, signal.SIGKILL)
                engine.wait_until_gone(pid, ORPHAN_GRACE_S)


def role_of(database_url: str) -> str:
    """Return the role in a database address.

    Raises:
        BadSettings: it names none.
    """
    role = urlsplit(database_url).username
    if not role:
        raise BadSettings([f"{ENV_PREFIX}DATABASE_URL: names no role (postgresql+psycopg://ROLE:PASSWORD@HOST/NAME)"])
    return role


def _local(settings: Settings, port: int) -> str:
    """Return where a port is reached from this machine."""
    everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    host = "127.0.0.1" if everywhere else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
