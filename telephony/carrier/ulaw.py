"""G.711 µ-law by tables, for the box's own lines. Sans-I/O.

Not shared with `media.codec`: the box is what our side is tested against, so one misreading must not hide in both.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

RATE_HZ: Final = 8_000
FRAME_SAMPLES: Final = 160  # 20 ms
FRAME_MS: Final = 20
SILENCE: Final = b"\xff"  # µ-law for +0
SILENT_FRAME: Final = SILENCE * FRAME_SAMPLES

_BIAS: Final = 33  # ITU-T G.711 in 14-bit steps: magnitudes are biased so that segments are powers of two
_CLIP: Final = 8_158


def _decoding_table() -> Pcm:
    codes = ~np.arange(256, dtype=np.uint8)
    segment = ((codes >> 4) & 0x07).astype(np.int32)
    step = (codes & 0x0F).astype(np.int32)
    magnitude = ((2 * step + _BIAS) << segment) - _BIAS
    signed = np.where(codes & 0x80, -magnitude, magnitude)
    return (signed * 4).astype(np.int16)  # 14-bit to 16-bit


def _encoding_table() -> NDArray[np.uint8]:
    samples = np.arange(-32_768, 32_768, dtype=np.int32)
    magnitude = np.minimum(np.abs(samples) >> 2, _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    step = (magnitude >> (segment + 1)) & 0x0F
    codes = (segment << 4) | step | np.where(samples < 0, 0x80, 0)
    table: NDArray[np.uint8] = np.invert(codes.astype(np.uint8))
    return table


_DECODED: Final = _decoding_table()
_ENCODED: Final = _encoding_table()


def decode(ulaw: bytes) -> Pcm:
    """Return int16 samples, one for each byte."""
    return _DECODED[np.frombuffer(ulaw, dtype=np.uint8)]


def encode(pcm: Pcm) -> bytes:
    """Return one byte for each int16 sample."""
    return _ENCODED[pcm.astype(np.int32) + 32_768].tobytes()
