"""How recorded audio lies on disk and in segments: blocks behind each other, each whole or not there. Sans-I/O.

A block holds a stretch of all voices, µ-law, one voice after the other; a voice that was silent throughout is left
out. Its checksum tells a torn or altered block, and reading stops before one: that is what a killed process leaves.
Blocks are immutable and stand in order of time; a gap between two is silence.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from media.frame import RATE_HZ

PROSPECT: Final = 0
AGENT: Final = 1
PERSON: Final = 2  # a rep or a whispering supervisor
VOICES: Final = 3

_MAGIC: Final = b"SRB1"
_HEAD: Final = struct.Struct(">4sIIIB3x")  # magic, CRC-32 of all behind it, first sample, samples, voices present
_CHECKED: Final = struct.Struct(">IIB3x")
HEAD_BYTES: Final = _HEAD.size
# Ten minutes: a block is half a second; what claims more is not ours.
SAMPLES_MAX: Final = 600 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Block:
    """`voices` is by channel: µ-law of exactly `samples` bytes, or b"" for silence."""

    start: int  # samples since the carrier's stream began
    samples: int
    voices: tuple[bytes, bytes, bytes]

    @property
    def end(self) -> int:
        return self.start + self.samples


@dataclass(frozen=True, slots=True)
class Extent:
    """What whole blocks cover, without their audio."""

    size_bytes: int = 0  # of the whole blocks; what follows is torn
    samples: int = 0  # end of the last one
    channels: int = 2  # three once a person's voice was in it

    @property
    def duration_s(self) -> float:
        return self.samples / RATE_HZ


def pack(block: Block) -> bytes:
    """Return the block as it is written."""
    mask = sum(1 << channel for channel, voice in enumerate(block.voices) if voice)
    behind = b"".join((_CHECKED.pack(block.start, block.samples, mask), *block.voices))
    return b"".join((_MAGIC, crc32(behind).to_bytes(4, "big"), behind))


def unpack(raw: bytes | memoryview, reached: int = 0) -> Iterator[Block]:
    """Yield the whole blocks at the beginning of `raw`, in order, up to a torn, altered or misplaced one.

    A block is misplaced when it begins before `reached` or before the end of the one before it.
    """
    view, place = memoryview(raw), 0
    while (found := _block_at(view, place)) is not None and found[0].start >= reached:
        block, place = found
        reached = block.end
        yield block


def extent(raw: bytes | memoryview) -> Extent:
    """Return what the whole blocks of `raw` cover."""
    return extend(Extent(), unpack(raw))


def extend(known: Extent, blocks: Iterator[Block]) -> Extent:
    """Return `known` with further blocks behind it."""
    size, samples, channels = known.size_bytes, known.samples, known.channels
    for block in blocks:
        size += packed_bytes(block)
        samples = block.end
        channels = VOICES if block.voices[PERSON] else channels
    return Extent(size, samples, channels)


def packed_bytes(block: Block) -> int:
    return HEAD_BYTES + sum(map(len, block.voices))


def _block_at(view: memoryview, place: int) -> tuple[Block, int] | None:
    """Return the block that begins at `place` and where it ends; None when there is no whole one."""
    if place + HEAD_BYTES > len(view):
        return None
    magic, checksum, start, samples, mask = _HEAD.unpack_from(view, place)
    if magic != _MAGIC or samples > SAMPLES_MAX or mask >= 1 << VOICES:
        return None
    end = place + HEAD_BYTES + samples * mask.bit_count()
    if end > len(view) or crc32(view[place + 8 : end]) != checksum:
        return None
    voices = []
    at = place + HEAD_BYTES
    for channel in range(VOICES):
        size = samples if mask >> channel & 1 else 0
        voices.append(bytes(view[at : at + size]))
        at += size
    return Block(start, samples, (voices[0], voices[1], voices[2])), end
