"""A recording on the node's own disk until it is in the object store. Blocking: called in a thread.

Two files a call: `{call}.rec`, blocks appended as the call goes, and `{call}.json`, which says whose it is. Whatever
kills the process, the next start finds both and uploads them.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from media.frame import RATE_HZ
from media.recording.blocks import HEAD_BYTES, SAMPLES_MAX, VOICES, Block, Extent, extend, packed_bytes, unpack

AUDIO_SUFFIX: Final = ".rec"
META_SUFFIX: Final = ".json"
_READ_BYTES: Final = 1 << 20
_BLOCK_BYTES_MAX: Final = HEAD_BYTES + SAMPLES_MAX * VOICES


@dataclass(frozen=True, slots=True)
class SpoolMeta:
    org_id: str
    call_id: str
    rate_hz: int = RATE_HZ
    began_at: str = ""  # UTC wall time, for people
    format: str = "wav"  # what the recording becomes: "wav" or "ogg"
    wrapped_key: str = ""  # the organisation's data key, encrypted; empty: the recording is not sealed


class Spool:
    """One call's files. Raises OSError as the disk does; the writer decides what follows."""

    def __init__(self, folder: Path, meta: SpoolMeta) -> None:
        self.audio_path = folder / f"{meta.call_id}{AUDIO_SUFFIX}"
        self.meta_path = folder / f"{meta.call_id}{META_SUFFIX}"
        self.meta = meta
        self.begun = False  # this process has written to it
        self._fd: int | None = None

    def create(self) -> None:
        """Make both files; after a power cut they are there or were never begun."""
        self._write_meta()
        self.begun = True
        self._fd = os.open(self.audio_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        _sync_folder(self.audio_path.parent)

    def restore(self, pieces: Iterable[bytes]) -> None:
        """Make the spool again from packed blocks; cut off half-way, there is none."""
        self._write_meta()
        partial = self.audio_path.with_suffix(".part")
        with partial.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.audio_path)
        _sync_folder(self.audio_path.parent)

    def _write_meta(self) -> None:
        self.meta_path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.meta_path.with_suffix(".new")
        fresh.write_text(encode_meta(self.meta))
        fresh.replace(self.meta_path)

    def append(self, packed: bytes) -> None:
        """Write a packed block behind the others; one that fails half-way is undone as far as the disk lets."""
        if self._fd is None:
            self.create()
        assert self._fd is not None
        written = 0
        try:
            while written < len(packed):
                written += os.write(self._fd, packed[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise

    @property
    def handle(self) -> int | None:
        """The open audio file; None before the first block and after `close`."""
        return self._fd

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def exists(self) -> bool:
        return self.audio_path.exists()

    def blocks(self, offset: int = 0) -> Iterator[Block]:
        """Yield the whole blocks from byte `offset` on, which must be a block's first; a torn end is left out."""
        with self.audio_path.open("rb") as file:
            file.seek(offset)
            rest, reached = b"", 0
            while piece := file.read(_READ_BYTES):
                rest += piece
                used = 0
                for block in unpack(rest, reached):
                    yield block
                    used += packed_bytes(block)
                    reached = block.end
                rest = rest[used:]
                if len(rest) > _BLOCK_BYTES_MAX:
                    return  # nothing behind an altered block can be trusted

    def extent(self) -> Extent:
        return extend(Extent(), self.blocks())

    def remove(self) -> None:
        self.audio_path.unlink(missing_ok=True)
        self.meta_path.unlink(missing_ok=True)


def new_meta(org_id: UUID, call_id: UUID, *, recording_format: str = "wav", wrapped_key: str = "") -> SpoolMeta:
    began_at = datetime.now(UTC).isoformat()
    return SpoolMeta(str(org_id), str(call_id), began_at=began_at, format=recording_format, wrapped_key=wrapped_key)


def encode_meta(meta: SpoolMeta) -> str:
    return json.dumps(asdict(meta))


def decode_meta(text: str | bytes) -> SpoolMeta:
    """Raises ValueError: it says nothing that we know."""
    try:
        meta = SpoolMeta(**json.loads(text))
        UUID(meta.org_id), UUID(meta.call_id)
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    return meta


def leftovers(folder: Path) -> list[Spool]:
    """Return the spools that an earlier process left; a meta file that cannot be read is left alone."""
    found = []
    for meta_path in sorted(folder.glob(f"*{META_SUFFIX}")):
        try:
            spool = Spool(folder, decode_meta(meta_path.read_bytes()))
        except (OSError, ValueError):
            continue
        if spool.exists():
            found.append(spool)
    return found


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
