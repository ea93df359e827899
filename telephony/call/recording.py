"""One call's recording, as the call sees it: begun with the line, written out at the end, stored after it."""

import asyncio
from collections.abc import Callable
from typing import Final

from events import call as events
from events.plan import RECORDING_KEY, CallPlan, RecordWhen
from media.recording.recorder import Recorder
from telephony.call.archive import Archive

WRITE_OUT_TIMEOUT_S: Final = 15.0  # a disk that takes longer for a second of audio has failed


class CallRecording:
    """Does nothing for a call whose plan says that it is not recorded, but finish what a former process spooled."""

    def __init__(self, plan: CallPlan, archive: Archive) -> None:
        self._archive = archive
        self._spool = archive.spool_for(plan.org_id, plan.call_id, plan.sealed_keys.get(RECORDING_KEY, ""))
        self.recorder: Recorder | None = None
        if plan.record is not RecordWhen.NEVER:
            self.recorder = Recorder(self._spool, muted=plan.record is RecordWhen.AFTER_DISCLOSURE)

    @property
    def late_samples(self) -> int:
        return self.recorder.late if self.recorder is not None else 0

    def begin(self) -> None:
        """The line is open."""
        if self.recorder is not None:
            self._archive.begin(self.recorder)

    def unmute(self, at_ms: int) -> None:
        """The prospect was told of it."""
        if self.recorder is not None:
            self.recorder.unmute(at_ms)

    async def write_out(self, end_ms: int) -> None:
        """Have all up to the call's end on disk; a disk too slow for it is given up."""
        if self.recorder is None:
            return
        try:
            async with asyncio.timeout(WRITE_OUT_TIMEOUT_S):
                await self._archive.writer.finish(self.recorder, end_ms)
        except TimeoutError:
            self.recorder.give_up("disk_slow")

    def drop(self) -> None:
        """The call is over, however it ended."""
        if self.recorder is not None:
            self._archive.drop(self.recorder)

    async def store(self, emit: Callable[[events.Body], None]) -> None:
        """Finish the object in the store, and say what came of it."""
        await self._archive.store(self._spool, self.recorder, emit)
