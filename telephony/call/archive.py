"""A call's recording from its first second to the object store: written and uploaded while it runs, finished after.

A store that is away does not hold up the call's end: after a few tries the spool stays on disk, the call says so,
and the sweep uploads it later, telling the CRM in an epoch of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from events import call as events
from events.sealed_audio import MasterKey
from media.recording.recorder import Recorder
from media.recording.spool import Spool, new_meta
from media.recording.store import AWAY, Objects, StoreUnavailable
from media.recording.uploader import Stored, Uploader
from media.recording.writer import Writer

log = structlog.get_logger()

TRIES: Final = 3
RETRY_AFTER_S: Final = 1.0
# For all tries together: an ended call keeps its place on the node no longer than this. The sweep has all the time.
PATIENCE_S: Final = 90.0
Journaled = Callable[[], Awaitable[bool]]
"""Returns when all that was said so far is on disk; False when the disk refused it."""
FORMATS: Final = {"wav": "wav", "opus": "ogg"}  # as settings name them, as files do


class Archive:
    """The process's recordings: one writer, one uploader, a spool folder. `run` is its task."""

    def __init__(
        self,
        objects: Objects,
        address: str,
        spool_folder: Path,
        *,
        node: str = "voice-1",
        recording_format: str = "wav",
        master: MasterKey | None = None,
        journaled: Journaled | None = None,
    ) -> None:
        """`journaled`: the outbox's; without it, what is said of a recording counts as kept at once."""
        self._journaled = journaled or _at_once
        self.spool_folder = spool_folder
        self.writer = Writer()
        self.uploader = Uploader(objects, address, node, master)
        self._format = FORMATS[recording_format]

    async def run(self) -> None:
        """Write and upload what calls record, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.writer.run(), name="recording.writer")
                tasks.create_task(self.uploader.run(), name="recording.uploader")
        finally:
            self.uploader.close()

    def spool_for(self, org_id: UUID, call_id: UUID, wrapped_key: str) -> Spool:
        """Return a call's spool; nothing is on disk before its first second."""
        return Spool(
            self.spool_folder, new_meta(org_id, call_id, recording_format=self._format, wrapped_key=wrapped_key)
        )

    def begin(self, recorder: Recorder) -> None:
        """The line is open: write what the recorder notes."""
        self.writer.begin(recorder)
        self.uploader.begin(recorder.spool)

    def drop(self, recorder: Recorder) -> None:
        """The call is over, however it ended: its notes are written or lost."""
        self.writer.drop(recorder)

    async def store(
        self,
        spool: Spool,
        recorder: Recorder | None,
        emit: Callable[[events.Body], None],
        *,
        say_failure: bool = True,
    ) -> bool:
        """Finish a recording and say what came of it; True when nothing is left to do.

        The spool goes when what was said of it is on disk: a process killed in between would leave an object in the
        store that nobody knows of.
        """
        failed = recorder.failed if recorder is not None else ""
        try:
            async with asyncio.timeout(PATIENCE_S if recorder is not None else None):
                stored = await self._finish(spool)
                if stored is None and not failed and spool.begun:
                    failed = "spool_lost"
                if failed:
                    emit(events.RecordingFailed(failed))
                if stored is not None:
                    emit(told(stored))
                if await self._journaled():
                    await asyncio.to_thread(spool.remove)
                # else the sweep says it again
        except StoreUnavailable as error:
            reason = error.reason
        except TimeoutError:
            reason = "store_slow"
        except OSError as error:
            log.error("recording.spool_unreadable", errno=error.errno)
            reason = "disk_error"
        else:
            return True
        finally:
            self.uploader.drop(spool)
        if say_failure:
            emit(events.RecordingFailed(reason, str(spool.audio_path)))
        return False

    async def _finish(self, spool: Spool) -> Stored | None:
        for attempt in range(1, TRIES + 1):
            try:
                return await self.uploader.finish(spool)
            except StoreUnavailable as error:
                self.uploader.store_up = error.of_this_call and self.uploader.store_up
                log.warning("recording.not_stored", reason=error.reason, detail=str(error), attempt=attempt)
                if attempt == TRIES or error.reason != AWAY:
                    raise
            await asyncio.sleep(RETRY_AFTER_S * attempt)
        raise AssertionError("the last try returns or raises")


def told(stored: Stored) -> events.RecordingStored:
    """Return what the CRM is told of a recording."""
    return events.RecordingStored(
        stored.uri, stored.key, stored.channels, stored.duration_s, stored.size_bytes, stored.sha256
    )


async def _at_once() -> bool:
    return True
