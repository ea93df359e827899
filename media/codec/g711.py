"""G.711 µ-law to linear samples and back, by table (ITU-T G.711 §2). Sans-I/O.

Linear audio is int16, mono; µ-law is one byte a sample, and its silence is 0xFF.
"""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # The interpreter's own until 3.12, a package of the same name from 3.13 on: nothing is left to warn about.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

Samples = NDArray[np.int16]

ULAW_SILENCE: Final = b"\xff"
_BIAS: Final = 0x84
_CLIP: Final = 32635


def _decode_table() -> Samples:
    codes = ~np.arange(256, dtype=np.uint8)
    sign = codes & 0x80
    exponent = (codes >> 4) & 0x07
    mantissa = (codes & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + _BIAS) << exponent) - _BIAS
    return np.where(sign != 0, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    linear = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(linear), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


_TO_LINEAR: Final = _decode_table()
# Indexed by the sample's bits as uint16, so that a view replaces an addition.
_TO_ULAW: Final = np.roll(_encode_table(), 32768)


def decode(ulaw: bytes) -> Samples:
    """Return the linear samples of µ-law bytes: (len(ulaw),) int16."""
    return _TO_LINEAR[np.frombuffer(ulaw, dtype=np.uint8)]


def decode_frame(ulaw: bytes) -> bytes:
    """Return the linear samples as bytes, two a sample in the machine's order: a tenth of `decode`'s time for 20 ms."""
    linear: bytes = audioop.ulaw2lin(ulaw, 2)
    return linear


def rms(pcm: bytes) -> float:
    """Return the loudness of int16 samples in the machine's order, 0 to 1."""
    return float(audioop.rms(pcm, 2)) / 32_768


def encode(pcm: Samples) -> bytes:
    """Return the µ-law bytes of int16 samples, one byte a sample."""
    return _TO_ULAW[np.ascontiguousarray(pcm).view(np.uint16)].tobytes()
