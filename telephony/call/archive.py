"""A call's recording from its first second to the object store: writing while it runs, uploading when it is over.

A store that is away does not hold up the call's end: after a few tries the spool stays on disk, the call says so,
and the sweep uploads it later, telling the CRM in an epoch of its own.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from obstore.store import ObjectStore

from events import call as events
from media.recording.recorder import Recorder
from media.recording.spool import Spool
from media.recording.upload import StoreUnavailable, upload
from media.recording.writer import Writer

log = structlog.get_logger()

TRIES: Final = 3
RETRY_AFTER_S: Final = 1.0


class Archive:
    """The process's object store, its spool folder and the one writer of all recordings. `run` is its task."""

    def __init__(self, store: ObjectStore, address: str, spool_folder: Path) -> None:
        self._store = store
        self._address = address
        self.spool_folder = spool_folder
        self.writer = Writer()

    async def run(self) -> None:
        """Write what calls record, until cancelled."""
        await self.writer.run()

    async def store(self, spool: Spool, recorder: Recorder | None, emit: Callable[[events.Body], None]) -> bool:
        """Upload a spool and say what came of it; True when nothing is left to do."""
        failed = recorder.failed if recorder is not None else ""
        if not await asyncio.to_thread(spool.exists):
            if failed:
                emit(events.RecordingFailed(failed))
            return True
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(RETRY_AFTER_S * attempt)
            try:
                stored = await upload(spool, self._store, self._address)
            except StoreUnavailable as error:
                log.warning("recording.store_unavailable", reason=str(error), attempt=attempt)
                continue
            if failed:
                emit(events.RecordingFailed(failed))
            emit(
                events.RecordingStored(
                    stored.uri, stored.key, stored.channels, stored.duration_s, stored.size_bytes, stored.sha256
                )
            )
            await asyncio.to_thread(spool.remove)
            return True
        emit(events.RecordingFailed("store_unavailable", str(spool.audio_path)))
        return False
