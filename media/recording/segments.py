"""Where a recording's objects lie in the store, and how a running call is cut into segments. Sans-I/O.

| key | what |
|---|---|
| `recordings/{org}/{call}.wav` or `.ogg` | the recording |
| `recordings/{org}/{call}/000001.seg` | blocks of about a minute, so that a lost disk loses no more |
| `recordings/{org}/{call}/manifest.json` | what the segments hold |
| `unfinished/{node}/{org}.{call}.json` | whose they are: how a node finds them when its disk is gone |

All but the recording go once it is verified. Segments are cut by the audio's time alone, so the same spool always
gives the same segments. Sealed objects (see `events.sealed_audio`) end in `.sealed`. An S3 part must have 5 MiB,
which is 5.5 minutes of µ-law, and an unfinished multipart upload cannot be read: hence objects of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from events.sealed_audio import SUFFIX
from media.frame import RATE_HZ
from media.recording.blocks import Block, Extent, extend, pack
from media.recording.spool import SpoolMeta

SEGMENT_S: Final = 60
_SEGMENT_SUFFIX: Final = ".seg"
_UNFINISHED: Final = "unfinished"


class SegmentNote(msgspec.Struct, frozen=True):
    """One segment, as the manifest names it."""

    number: int  # from 1
    first_sample: int
    end_sample: int
    channels: int
    size_bytes: int  # of its blocks
    sha256: str  # of its blocks, before sealing
    uploaded_at: str  # UTC


class Joined(msgspec.Struct, frozen=True):
    """The recording that is being made, told before it is there: an object of this sum is it."""

    key: str
    channels: int
    duration_s: float
    size_bytes: int  # before sealing
    sha256: str  # before sealing


class Manifest(msgspec.Struct, frozen=True):
    org_id: str
    call_id: str
    node: str
    rate_hz: int
    channels: int
    began_at: str
    sealed: bool
    segments: tuple[SegmentNote, ...]
    joined: Joined | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment's blocks, cut off the spool and ready to go."""

    blocks: bytes
    extent: Extent  # of these blocks alone; `samples` is the position of their end
    first_sample: int

    def note(self, number: int, uploaded_at: str) -> SegmentNote:
        return SegmentNote(
            number,
            self.first_sample,
            self.extent.samples,
            self.extent.channels,
            len(self.blocks),
            sha256(self.blocks).hexdigest(),
            uploaded_at,
        )


def cut(blocks: Iterable[Block]) -> Cut | None:
    """Return the first segment of `blocks`; None while it is not full."""
    taken: list[Block] = []
    for block in blocks:
        taken.append(block)
        if block.end - taken[0].start >= SEGMENT_S * RATE_HZ:
            return Cut(b"".join(map(pack, taken)), extend(Extent(), iter(taken)), taken[0].start)
    return None


def manifest_of(meta: SpoolMeta, node: str, segments: Iterable[SegmentNote], joined: Joined | None = None) -> Manifest:
    notes = tuple(segments)
    return Manifest(
        meta.org_id,
        meta.call_id,
        node,
        meta.rate_hz,
        max((note.channels for note in notes), default=2),
        meta.began_at,
        bool(meta.wrapped_key),
        notes,
        joined,
    )


def folder_of(meta: SpoolMeta) -> str:
    """Return the prefix of a call's segments and manifest, with its slash."""
    return f"recordings/{meta.org_id}/{meta.call_id}/"


def segment_key(meta: SpoolMeta, number: int) -> str:
    return f"{folder_of(meta)}{number:06}{_SEGMENT_SUFFIX}{SUFFIX if meta.wrapped_key else ''}"


def segment_number(key: str) -> int | None:
    """Return the number of the segment that is kept under `key`; None when it is no segment."""
    name, suffix, _ = key.rpartition("/")[2].partition(_SEGMENT_SUFFIX)
    return int(name) if suffix and name.isascii() and name.isdigit() else None


def manifest_key(meta: SpoolMeta) -> str:
    return f"{folder_of(meta)}manifest.json"


def recording_key(meta: SpoolMeta) -> str:
    return f"recordings/{meta.org_id}/{meta.call_id}.{meta.format}{SUFFIX if meta.wrapped_key else ''}"


def unfinished_folder(node: str) -> str:
    return f"{_UNFINISHED}/{node}/"


def unfinished_key(node: str, meta: SpoolMeta) -> str:
    return f"{unfinished_folder(node)}{meta.org_id}.{meta.call_id}.json"
