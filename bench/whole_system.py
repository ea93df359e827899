"""A whole system of the bench's own: `salesos up` in a folder and on ports of its own, started as an operator does."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import msgspec

READY_TIMEOUT_S: Final = 120.0
ANSWER_TIMEOUT_S: Final = 5.0
STOP_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.05
_OUTPUT_CHARS_MAX: Final = 2_000


class SystemFailed(Exception):
    """The system did not come up or did not stay up; the message holds the end of what it said."""


class Running(msgspec.Struct, frozen=True):
    """What `run.json` of a data folder says of its system; further members are left alone."""

    pid: int
    crm: str
    voice: str
    carrier: str
    email: str
    password: str
    children: dict[str, int] = {}
    ready: bool = False


@dataclass(frozen=True, slots=True)
class WholeSystem:
    """One running `salesos up`."""

    data: Path
    output: Path
    environment: Mapping[str, str]
    process: asyncio.subprocess.Process

    @property
    def running(self) -> Running | None:
        return read_running(self.data)

    @property
    def journals(self) -> Path:
        return self._voice / "journal"

    @property
    def spool(self) -> Path:
        return self._voice / "spool"

    @property
    def _voice(self) -> Path:
        return self.data / "voice" / "voice-1"

    async def wait_ready(self, unlike_pid: int = 0) -> Running:
        """Wait until every process is ready, the voice process by another id than `unlike_pid`.

        Raises:
            SystemFailed: it ended, or took too long.
        """
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while True:
                    if self.process.returncode is not None:
                        raise SystemFailed(f"the system ended:\n{self.last_words()}")
                    found = self.running
                    up = found is not None and found.ready and found.children.get("voice", 0) not in (0, unlike_pid)
                    if found is not None and up and await _takes_calls(found.voice):
                        return found
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise SystemFailed(f"the system is not ready:\n{self.last_words()}") from None

    def last_words(self) -> str:
        return self.output.read_text(errors="replace")[-_OUTPUT_CHARS_MAX:]


def read_running(data: Path) -> Running | None:
    """Return where a data folder's system is; None when nothing that we can read says so."""
    try:
        return msgspec.json.decode((data / "run.json").read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None


async def _takes_calls(voice_url: str) -> bool:
    """Ask the voice process itself: what the supervisor last knew may be of its predecessor."""
    try:
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False) as client:
            return (await client.get(f"{voice_url}/health/ready")).is_success
    except httpx.HTTPError:
        return False


@contextlib.asynccontextmanager
async def whole_system(folder: Path, settings: Mapping[str, str]) -> AsyncGenerator[WholeSystem]:
    """Run a system with its data in `folder` while the context is open; `settings` name variables without prefix.

    The environment's own SALESOS_ variables are not handed on: a bench measures the same system everywhere.

    Raises:
        SystemFailed: with the end of its output.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SALESOS_")}
    ports = {f"{name}_PORT": str(port) for name, port in zip(("CRM", "VOICE", "CARRIER"), _free_ports(3), strict=True)}
    data = folder / "data"
    # The bench asks for so many calls at once, whatever the machine makes of it.
    chosen = ports | {"DATA_DIR": str(data), "ADMIT_BY_LOAD": "false"} | dict(settings)
    environment = kept | {f"SALESOS_{name}": value for name, value in chosen.items()}
    output = folder / "up.txt"
    with output.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "salesos", "up"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            cwd=folder,
        )
    system = WholeSystem(data, output, environment, process)
    try:
        await system.wait_ready()
        yield system
    finally:
        await _stop(process)


def _free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody has now, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask twice, then insist: the second request tells the system not to wait for its calls."""
    for _ in range(2):
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(POLL_S * 2)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
