"""One program that we start and stop: Postgres, Redis, or a process of ours.

The kernel ties a program to the *thread* that started it, so `start` is called from the main thread only.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

LAUNCHER: Final = Path(__file__).with_name("launch.py")
STOP_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.02


class EngineFailed(Exception):
    """An embedded engine could not be started; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A started program. `log_path` takes what it prints, in append mode."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def stop(self, polite: signal.Signals, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End it: politely first, by force when it takes longer than `timeout_s`. Safe to repeat."""
        if self.runs:
            self.process.send_signal(polite)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log_path: Path,
    death_signal: signal.Signals,
    user: str = "keep",
    environment: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    directory: Path | None = None,
) -> Engine:
    """Start `command` tied to our own life; its output is appended to `log_path`."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [*launcher(death_signal, user), *map(str, command)],
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            pass_fds=pass_fds,
            cwd=directory,
        )
    return Engine(name, process, log_path)


def launcher(death_signal: signal.Signals, user: str) -> list[str]:
    """Return the words that go before a program's own."""
    options = ["--parent", str(os.getpid()), "--death-signal", str(int(death_signal)), "--user", user]
    return [sys.executable, "-I", "-S", str(LAUNCHER), *options, "--"]


def free_port() -> int:
    """Return a loopback port that nobody has now; somebody may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def last_lines(path: Path, count: int = 12, chars_max: int = 4000) -> str:
    """Return the end of a log for people to read."""
    try:
        text = path.read_bytes()[-chars_max:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def wait_until_gone(pid: int, timeout_s: float) -> bool:
    """Wait for a process that is not our child; False when it is still there after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while is_alive(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_alive(pid: int) -> bool:
    """Say whether `pid` runs; one that has ended and waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc/self/stat").exists()
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def command_line(pid: int) -> str:
    """Return how `pid` was started, words joined by blanks; empty when it is gone or not ours to see."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
