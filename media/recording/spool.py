"""A recording on the node's own disk until it is in the object store. Blocking: called in a thread.

Two files a call: `{call}.pcm`, interleaved int16 appended and fsynced about each second, and `{call}.json`, which
says whose it is. Whatever kills the process, the next start finds both and uploads them.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from media.frame import RATE_HZ
from media.recording.tracks import CHANNELS

SAMPLE_BYTES = 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class SpoolMeta:
    org_id: str
    call_id: str
    channels: int = CHANNELS
    rate_hz: int = RATE_HZ


class Spool:
    """One call's files. Raises OSError as the disk does; the recorder decides what follows."""

    def __init__(self, folder: Path, org_id: UUID, call_id: UUID) -> None:
        self.pcm_path = folder / f"{call_id}.pcm"
        self.meta_path = folder / f"{call_id}.json"
        self.meta = SpoolMeta(str(org_id), str(call_id))

    def create(self) -> None:
        self.pcm_path.parent.mkdir(parents=True, exist_ok=True)
        self.meta_path.write_text(json.dumps(asdict(self.meta)))
        self.pcm_path.touch()

    def append(self, frames: bytes) -> None:
        with self.pcm_path.open("ab") as file:
            file.write(frames)
            file.flush()
            os.fsync(file.fileno())

    def size_bytes(self) -> int:
        """Whole frames on disk: a torn last one is not counted."""
        size = self.pcm_path.stat().st_size
        return size - size % FRAME_BYTES

    def duration_s(self) -> float:
        return self.size_bytes() / FRAME_BYTES / self.meta.rate_hz

    def remove(self) -> None:
        self.pcm_path.unlink(missing_ok=True)
        self.meta_path.unlink(missing_ok=True)


def leftovers(folder: Path) -> list[Spool]:
    """Return the spools that an earlier process left; a meta file that cannot be read is left alone."""
    found = []
    for meta_path in sorted(folder.glob("*.json")):
        try:
            meta = SpoolMeta(**json.loads(meta_path.read_text()))
            spool = Spool(folder, UUID(meta.org_id), UUID(meta.call_id))
        except (OSError, ValueError, TypeError):
            continue
        if spool.pcm_path.exists():
            found.append(spool)
    return found
