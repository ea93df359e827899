"""Blocks to one file that people can play: a WAV of linear samples. Sans-I/O.

Voices stand beside each other, one channel each; gaps between blocks are silence. The same blocks always give the
same bytes, so an upload that was cut off can be told from a whole one.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codec import g711
from media.frame import RATE_HZ
from media.recording.blocks import Block, Extent

SAMPLE_BYTES: Final = 2
_HEADER_BYTES: Final = 44
_GAP_SAMPLES: Final = 60 * RATE_HZ  # silence is written in pieces of at most this


def wav_header(data_bytes: int, channels: int, rate_hz: int) -> bytes:
    """Return the 44 bytes before PCM samples (RIFF WAVE, format 1). Sizes over 4 GiB are given as the largest."""
    data_bytes = min(data_bytes, 0xFFFFFFFF - 36)
    frame_bytes = channels * SAMPLE_BYTES
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", 36 + data_bytes, b"WAVE"),
            struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, 16),
            struct.pack("<4sI", b"data", data_bytes),
        )
    )


def wav_bytes(extent: Extent) -> int:
    """Return the size of the whole file."""
    return _HEADER_BYTES + extent.samples * extent.channels * SAMPLE_BYTES


def wav_pieces(blocks: Iterable[Block], extent: Extent) -> Iterator[bytes]:
    """Yield the file; `extent` must be that of the same blocks, later ones are left out."""
    yield wav_header(extent.samples * extent.channels * SAMPLE_BYTES, extent.channels, RATE_HZ)
    for pcm in pcm_pieces(blocks, extent):
        yield pcm.tobytes()


def pcm_pieces(blocks: Iterable[Block], extent: Extent) -> Iterator[NDArray[np.int16]]:
    """Yield interleaved samples, (n, channels) int16, without a gap from the stream's beginning to `extent`'s end."""
    reached = 0
    for block in blocks:
        if block.end > extent.samples:
            return
        while reached < block.start:
            count = min(block.start - reached, _GAP_SAMPLES)
            yield np.zeros((count, extent.channels), dtype=np.int16)
            reached += count
        pcm = np.zeros((block.samples, extent.channels), dtype=np.int16)
        for channel, voice in enumerate(block.voices[: extent.channels]):
            if voice:
                pcm[:, channel] = g711.decode(voice)
        yield pcm
        reached = block.end
