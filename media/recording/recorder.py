"""One call's recording while it runs: plain calls from the audio plane, a write to disk about each second.

A full or broken disk ends the recording, never the call: what is already written stays and is uploaded.
"""

import asyncio
import errno
from typing import Final

import numpy as np
import structlog

from media.codec import g711
from media.codec.g711 import Samples
from media.frame import RATE_HZ, ms_to_samples
from media.recording.spool import Spool
from media.recording.tracks import Tracks

PROSPECT: Final = 0
AGENT: Final = 1
WRITE_EVERY_S: Final = 1.0
# Agent audio is sent at most a lead ahead and placed when sent; a clear reaches back no further than this.
_HOLD_BACK_SAMPLES: Final = RATE_HZ
log = structlog.get_logger()


class Recorder:
    """Places both voices and writes them to the spool. `run` is its task."""

    def __init__(self, spool: Spool, *, muted: bool) -> None:
        self._spool = spool
        self._tracks = Tracks()
        self._muted = muted
        self._failed = ""
        self._lock = asyncio.Lock()
        self._created = False

    @property
    def failed(self) -> str:
        """Why recording stopped early; empty while all is well."""
        return self._failed

    def heard_from_prospect(self, at_ms: int, pcm: Samples) -> None:
        if not self._failed:
            self._tracks.place(PROSPECT, ms_to_samples(at_ms), pcm)

    def played_to_prospect(self, at_ms: int, ulaw: bytes) -> None:
        if not self._failed:
            self._tracks.place(AGENT, ms_to_samples(at_ms), g711.decode(ulaw))

    def cleared(self, at_ms: int) -> None:
        self._tracks.cut(AGENT, ms_to_samples(at_ms))

    def unmute(self, at_ms: int) -> None:
        """The disclosure has been heard: from here on the recording may hold voices."""
        if self._muted:
            self._muted = False
            self._tracks.mute(ms_to_samples(at_ms))

    def give_up(self, reason: str) -> None:
        """The disk does not answer: what it has is the recording."""
        self._failed = reason
        log.error("recording.stopped", reason=reason)

    async def run(self) -> None:
        """Write what is settled, each second, until cancelled."""
        while not self._failed:
            await asyncio.sleep(WRITE_EVERY_S)
            await self._write(self._tracks.end - _HOLD_BACK_SAMPLES)

    async def finish(self, end_ms: int) -> None:
        """Write the rest, up to the call's end: agent audio beyond it was never played."""
        self._tracks.cut(AGENT, ms_to_samples(end_ms))
        await self._write(max(ms_to_samples(end_ms), self._tracks.taken))

    async def _write(self, until: int) -> None:
        async with self._lock:
            if self._failed or until <= self._tracks.taken:
                return
            frames = self._tracks.take(until)
            if self._muted:
                frames = np.zeros_like(frames)
            try:
                if not self._created:
                    await asyncio.to_thread(self._spool.create)
                    self._created = True
                await asyncio.to_thread(self._spool.append, frames.tobytes())
            except OSError as error:
                self._failed = "disk_full" if error.errno == errno.ENOSPC else "disk_error"
                log.error("recording.stopped", reason=self._failed, errno=error.errno)
