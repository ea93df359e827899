"""Starting the whole system as an operator does: a process of its own, in a folder and on ports of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from salesos.data_folder import Running, read_running
from salesos.embedded.engine import free_port, is_alive

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0


@dataclass(slots=True)
class Up:
    """One `salesos up` and what it says."""

    folder: Path
    environment: Mapping[str, str]
    output: Path
    process: subprocess.Popen[bytes]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def wait_until_ready(self) -> Running:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            running = read_running(self.data)
            if running is not None and running.ready and running.pid == self.process.pid:
                return running
            assert self.process.poll() is None, f"it ended:\n{self.output.read_text()}"
            assert time.monotonic() < deadline, f"it is not ready:\n{self.output.read_text()}"
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit status. Safe to repeat; one that does not end is killed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def descendants(self) -> dict[int, str]:
        """Return every live process of this system but `up` itself, by id, with its command line."""
        return {pid: line for pid, line in processes(self.data).items() if pid != self.process.pid}


@contextlib.contextmanager
def start_up(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Up]:
    """Run `salesos up` with the given words; `environment` of a former run starts it on the same ports.

    `settings`: more variables of the environment.
    """
    if environment is None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SALESOS_")}
        ports = {f"SALESOS_{name}_PORT": str(free_port()) for name in ("CRM", "VOICE", "CARRIER")}
        # The tests themselves load the machine, and none of these is about that.
        chosen = {"SALESOS_DATA_DIR": str(folder / "data"), "SALESOS_ADMIT_BY_LOAD": "false"} | dict(settings or {})
        environment = kept | ports | chosen
    output = folder / "output.txt"
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "salesos", "up", *words],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
        )
    up = Up(folder, environment, output, process)
    try:
        yield up
    finally:
        up.stop()


def salesos(up: Up, *words: str, timeout_s: float = 200) -> subprocess.CompletedProcess[str]:
    """Run another command with the same settings."""
    return subprocess.run(
        [sys.executable, "-m", "salesos", *words],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=dict(up.environment),
        cwd=up.folder,
    )


def processes(data: Path) -> dict[int, str]:
    """Return every live process that works for the data folder, by id, with its command line.

    Some rewrite their command line and environment (Redis), others have neither (a database session): those work
    in a folder inside of it.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes()
            known_by = line + (entry / "environ").read_bytes() + str((entry / "cwd").resolve()).encode()
        except OSError:
            continue
        if str(data).encode() in known_by and is_alive(int(entry.name)):
            found[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    return found
