"""A worker process kept running: started, read from, and started again when it ends, stalls or talks nonsense.

It speaks length-prefixed frames over its standard input and output (agent/worker_frames.py), the first when it is
warm. It gets none of our secrets: its environment holds what a Python needs. What its frames mean is its holder's.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from agent import worker_frames

log = structlog.get_logger()

START_TIMEOUT_S: Final = 15.0  # about one second on an idle machine
STOP_TIMEOUT_S: Final = 2.0
PROVEN_AFTER_S: Final = 30.0  # a child that lived this long starts the back-off anew
BACK_OFF_S: Final = (0.0, 0.2, 1.0, 5.0, 30.0)
UNSENT_BYTES_MAX: Final = 1024 * 1024  # orders that a child does not take
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


class KeptChild:
    """`run` is its task; everything else is plain calls on the loop."""

    def __init__(
        self,
        name: str,
        command: tuple[str, ...],
        on_frame: Callable[[bytes], None],
        on_lost: Callable[[], None],
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        """`on_frame` gets each frame's body and may raise worker_frames.Unreadable; `on_lost`: the child is gone."""
        self._name = name
        self._command = command
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._start_timeout_s = start_timeout_s
        self._child: asyncio.subprocess.Process | None = None
        self._warm = False
        self.settled = asyncio.Event()  # the first child is warm, or has failed
        self.restarts = 0  # read by metrics

    @property
    def alive(self) -> bool:
        """Whether the child is up and warm."""
        return self._warm

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is away."""
        return self._child.pid if self._child is not None else None

    async def run(self) -> None:
        """Keep a child running until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
            started_at = loop.time()
            try:
                await self._run_once()
            except (OSError, worker_frames.Unreadable, asyncio.IncompleteReadError, TimeoutError) as error:
                log.error("worker.lost", worker=self._name, cause=type(error).__name__, restarts=self.restarts)
            self.settled.set()
            failures = 0 if loop.time() - started_at > PROVEN_AFTER_S else failures + 1
            self.restarts += 1

    def send(self, frame: bytes) -> bool:
        """Write without waiting; False when the child is away. A child that takes nothing is killed."""
        child = self._child
        if child is None or child.stdin is None or not self._warm or child.stdin.is_closing():
            return False
        if child.stdin.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.kill("orders_not_taken")
            return False
        child.stdin.write(frame)
        return True

    def kill(self, reason: str) -> None:
        """End a child that is of no use; another is started."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        log.error("worker.killed", worker=self._name, reason=reason)
        # From here on nothing is sent; `run` sees the end of the pipe.
        self._warm = False
        with suppress(ProcessLookupError):
            child.kill()

    async def _run_once(self) -> None:
        """Hold one child from its start to its end.

        Raises:
            IncompleteReadError: it ended. OSError, Unreadable or TimeoutError: it is of no use.
        """
        self._child = child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(self._start_timeout_s):
                first = await _read_frame(child.stdout)
            self._on_frame(first)
            self._warm = True
            self.settled.set()
            while True:
                # No time-out: a child with nothing to do says nothing, and who waits for a stalled one kills it.
                self._on_frame(await _read_frame(child.stdout))
        finally:
            self._warm = False
            self._child = None
            self._on_lost()
            await _end(child)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONUNBUFFERED": "1"}


async def _read_frame(source: asyncio.StreamReader) -> bytes:
    return await source.readexactly(worker_frames.body_bytes(await source.readexactly(worker_frames.HEAD.size)))


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close the child's input, which ends it; kill it when it does not."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await child.wait()
    except (TimeoutError, asyncio.CancelledError) as error:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()  # the kernel ends it at once: nothing is left behind, cancelled or not
        if isinstance(error, asyncio.CancelledError):
            raise
