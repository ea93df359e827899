"""Events on the node's own disk before anybody else hears of them (X6).

One file a call, `{org}.{call}.journal`: frames of length, CRC-32 and MessagePack. A torn last frame is what a killed
process leaves, and reading stops before it. Blocking: called in a thread.
"""

import contextlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final
from uuid import UUID
from zlib import crc32

from events import call as events
from media.recording.flush import flush

_HEAD: Final = struct.Struct(">II")
SUFFIX: Final = ".journal"
_FRAME_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CallKey:
    org_id: UUID
    call_id: UUID

    def path(self, folder: Path) -> Path:
        return folder / f"{self.org_id}.{self.call_id}{SUFFIX}"


def key_of(event: events.Event) -> CallKey:
    return CallKey(event.org_id, event.call_id)


def append(batches: Mapping[Path, list[bytes]]) -> dict[Path, OSError]:
    """Write encoded events behind those in each file, and wait once until all are on disk; return what failed where.

    A write that failed half-way is undone, so that what is written next can be read.
    """
    failed: dict[Path, OSError] = {}
    with contextlib.ExitStack() as stack:
        files: dict[Path, tuple[FileIO, int]] = {}
        for path, raw_events in batches.items():
            try:
                file = stack.enter_context(FileIO(path, "ab"))
                files[path] = (file, file.tell())
                _write(file, b"".join(_HEAD.pack(len(raw), crc32(raw)) + raw for raw in raw_events))
            except OSError as error:
                failed[path] = error
        failed |= flush({path: file.fileno() for path, (file, _) in files.items() if path not in failed})
        for path in failed.keys() & files.keys():
            file, start = files[path]
            with contextlib.suppress(OSError):  # its checksum tells the reader
                file.truncate(start)
    return failed


def read(path: Path) -> list[events.Event]:
    """Return the whole events of a file, up to a torn or altered frame. Raises OSError."""
    raw = path.read_bytes()
    found: list[events.Event] = []
    place = 0
    while place + _HEAD.size <= len(raw):
        size, checksum = _HEAD.unpack_from(raw, place)
        body = raw[place + _HEAD.size : place + _HEAD.size + size]
        if size > _FRAME_BYTES_MAX or len(body) < size or crc32(body) != checksum:
            break
        try:
            found.append(events.decode(body))
        except events.Unreadable:
            break
        place += _HEAD.size + size
    return found


def leftovers(folder: Path) -> dict[CallKey, Path]:
    """Return the journals that earlier processes left."""
    found: dict[CallKey, Path] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        org, _, call = path.name.removesuffix(SUFFIX).partition(".")
        try:
            found[CallKey(UUID(org), UUID(call))] = path
        except ValueError:
            continue
    return found


def _write(file: FileIO, frames: bytes) -> None:
    left = memoryview(frames)
    while left:
        left = left[file.write(left) :]
