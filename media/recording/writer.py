"""The one writer of all recordings of a process: one task, and one job in one thread every 0.4 s.

A call that ends is written at once. A disk that fails ends that call's recording with a reason; one that does not
answer for a while ends all that wait for it, so that nothing piles up: calls themselves never notice.
"""

import asyncio
import errno
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from media.recording.flush import flush
from media.recording.recorder import ClockJumped, Note, Recorder
from media.recording.spool import Spool

WRITE_EVERY_S: Final = 0.4  # with what is not settled yet, a killed process loses less than a second
SYNC_EVERY_S: Final = 1.0
# For one round of writing; above any pause of a disk that still works. Meanwhile a call keeps 16 kB a second in memory.
PATIENCE_S: Final = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Work:
    recorder: Recorder
    notes: list[Note]
    elapsed_ms: int
    end_ms: int | None


@dataclass(slots=True)
class _Open:
    began_at: float
    end_ms: int | None = None
    written: asyncio.Event | None = None  # somebody waits for the end


class Writer:
    """Writes what its recorders noted. `run` is its task; without it nothing reaches the disk."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._open: dict[Recorder, _Open] = {}
        self._to_close: list[Spool] = []
        self._woken = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "recording")
        self.stuck = False  # the disk has not answered in time and still does not
        self.rounds = 0  # read by metrics

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, recorder: Recorder) -> None:
        """Write this recorder from now on; while the disk is stuck it is refused with its reason."""
        if self.stuck:
            recorder.give_up("disk_slow")
            return
        self._open[recorder] = _Open(asyncio.get_running_loop().time())

    async def finish(self, recorder: Recorder, end_ms: int) -> None:
        """Write the rest, up to the call's end, and let go of it. Returns when it is on disk or given up."""
        state = self._open.get(recorder)
        if state is None:
            return
        state.end_ms = end_ms
        state.written = asyncio.Event()
        self._woken.set()
        await state.written.wait()

    def drop(self, recorder: Recorder) -> None:
        """Let go of a recorder whose call died: what is on disk stays."""
        if self._open.pop(recorder, None) is not None:
            self._to_close.append(recorder.spool)

    async def run(self) -> None:
        """Write in rounds until cancelled."""
        loop = asyncio.get_running_loop()
        next_round = next_sync = loop.time() + WRITE_EVERY_S
        try:
            while True:
                try:
                    async with asyncio.timeout_at(next_round):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._woken.clear()
                now = loop.time()
                due = now >= next_round
                if due:
                    next_round = now + WRITE_EVERY_S
                sync = due and now >= next_sync
                if sync:
                    next_sync = now + SYNC_EVERY_S
                await self._round(self._take(now, everybody=due), sync=sync)
        finally:
            self._thread.shutdown(wait=False)

    def _take(self, now: float, *, everybody: bool) -> list[_Work]:
        return [
            _Work(recorder, recorder.take(), round((now - state.began_at) * 1000), state.end_ms)
            for recorder, state in self._open.items()
            if everybody or state.end_ms is not None
        ]

    async def _round(self, work: list[_Work], *, sync: bool) -> None:
        closing, self._to_close = self._to_close, []
        if not work and not closing:
            return
        self.rounds += 1
        job = asyncio.get_running_loop().run_in_executor(self._thread, _write_all, work, closing, sync)
        await asyncio.wait([job], timeout=self._patience_s)
        if not job.done():
            await self._wait_out(job)
            return
        for recorder, reason in job.result().items():
            recorder.give_up(reason)
        for item in work:
            if item.end_ms is not None or item.recorder.failed:
                self._let_go(item.recorder)

    async def _wait_out(self, job: "asyncio.Future[dict[Recorder, str]]") -> None:
        """The disk does not answer: end every recording, then wait for it without end; new ones are refused."""
        self.stuck = True
        log.error("recording.disk_stuck", calls=len(self._open))
        for recorder in list(self._open):
            recorder.give_up("disk_slow")
            self._let_go(recorder)
        await asyncio.wait([job])
        self.stuck = False
        log.warning("recording.disk_back")

    def _let_go(self, recorder: Recorder) -> None:
        state = self._open.pop(recorder, None)
        if state is None:
            return
        self._to_close.append(recorder.spool)
        if state.written is not None:
            state.written.set()


def _write_all(work: list[_Work], closing: list[Spool], sync: bool) -> dict[Recorder, str]:
    """Write each recorder's notes, and return whose recording ended for which reason. In the writer's thread."""
    failed: dict[Recorder, str] = {}
    written: dict[Recorder, int] = {}
    for item in work:
        try:
            item.recorder.write(item.notes, item.elapsed_ms, item.end_ms)
        except ClockJumped:
            failed[item.recorder] = "clock_jumped"
        except OSError as error:
            failed[item.recorder] = _reason(error)
        handle = item.recorder.spool.handle
        if handle is not None and (sync or item.end_ms is not None):
            written[item.recorder] = handle
    for recorder, refusal in flush(written).items():
        failed.setdefault(recorder, _reason(refusal))
    for spool in closing:
        spool.close()
    return failed


def _reason(error: OSError) -> str:
    log.warning("recording.disk_refused", errno=error.errno)
    return "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "disk_error"
