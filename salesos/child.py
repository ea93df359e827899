"""One process of ours under the supervisor: its life, its restarts, its log."""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from salesos.embedded import engine
from salesos.embedded.engine import Engine

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# A life shorter than this is a quick death; so many of them in a row and the supervisor gives up.
QUICK_DEATH_S: Final = 20.0
QUICK_DEATHS_MAX: Final = 8
# What a process gets between a request and force when nobody wants to wait.
HASTE_S: Final = 1.0
LOG_BYTES_MAX: Final = 5_000_000


class ChildState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    WAITING = "waiting to restart"
    STOPPED = "stopped"


@dataclass(slots=True)
class Child:
    """A process `salesos <name>`; `health_url` is empty for one that serves no HTTP."""

    name: str
    environment: Mapping[str, str]
    log_path: Path
    health_url: str = ""
    stop_timeout_s: float = 10.0
    command: tuple[str, ...] = ()  # empty: `salesos <name>`
    state: ChildState = ChildState.STOPPED
    quick_deaths: int = 0
    restarts: int = 0
    started_at: float = 0.0  # monotonic
    restart_at: float = 0.0  # monotonic, while WAITING
    was_ready: bool = field(default=False)
    _engine: Engine | None = None

    @property
    def pid(self) -> int:
        return self._engine.process.pid if self._engine else 0

    @property
    def runs(self) -> bool:
        return self._engine is not None and self._engine.runs

    @property
    def gave_up(self) -> bool:
        return self.quick_deaths >= QUICK_DEATHS_MAX

    def start(self) -> None:
        """Start it; from the main thread only (see salesos/embedded/engine.py)."""
        self._engine = engine.start(
            self.name,
            self.command or (sys.executable, "-m", "salesos", self.name),
            log_path=self.log_path,
            death_signal=signal.SIGTERM,
            environment=self.environment,
        )
        self.started_at = time.monotonic()
        self.state = ChildState.STARTING

    def exit_status(self) -> str:
        """Say how it ended, for people."""
        code = self._engine.process.poll() if self._engine else None
        if code is None:
            return "still runs"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"ended with status {code}"

    def plan_restart(self) -> float:
        """Note a death and return the seconds until the restart."""
        now = time.monotonic()
        self.quick_deaths = self.quick_deaths + 1 if now - self.started_at < QUICK_DEATH_S else 0
        wait_s = BACK_OFF_S[min(self.quick_deaths, len(BACK_OFF_S) - 1)]
        self.restart_at = now + wait_s
        self.restarts += 1
        self.state = ChildState.WAITING
        return wait_s

    def stop(self, in_haste: Callable[[], bool] = lambda: False) -> None:
        """End it, by force after `stop_timeout_s`, or sooner once `in_haste` says so. Safe to repeat."""
        if self._engine is None:
            return
        if self._engine.runs:
            self._engine.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_timeout_s
        while self._engine.runs and time.monotonic() < deadline and not in_haste():
            time.sleep(engine.POLL_S)
        self._engine.stop(signal.SIGTERM, HASTE_S)
        self.state = ChildState.STOPPED


def bound_log(path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
    """Move a log that has grown too large aside and empty it in place.

    Whoever writes it holds it open in append mode, so it cannot be renamed away from under them.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > bytes_max:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
