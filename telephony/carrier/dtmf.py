"""Keys of a telephone in the sound that a line carries: two tones at once (ITU-T Q.23), as a menu hears them. Sans-I/O.

Fed with 20 ms frames. Receivers must take a key of 40 ms and a gap of 40 ms (Q.24): two frames of the same key are a
press, and anything else between them is a gap. Speech has both its bands full of other things, so it presses nothing.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telephony.carrier.ulaw import FRAME_MS, FRAME_SAMPLES, RATE_HZ, Pcm

KEYS: Final = "123A456B789C*0#D"
_ROWS_HZ: Final = (697, 770, 852, 941)
_COLUMNS_HZ: Final = (1209, 1336, 1477, 1633)
PRESSED_FRAMES: Final = 2
LOUD_RMS: Final = 250.0  # int16, some -42 dBFS: Q.24 wants -25 dBm0 taken, and no hum
PURE_SHARE: Final = 0.6  # of the frame's energy that the two tones must have: a frame of 20 ms spreads them a little
TWIST_MAX: Final = 6.3  # 8 dB: how much louder one of them may be
OTHERS_SHARE: Final = 0.25  # of the tone's energy that another tone of its group may have


def _probes(hertz: tuple[int, ...]) -> NDArray[np.complex128]:
    times = np.arange(FRAME_SAMPLES) / RATE_HZ
    waves: NDArray[np.complex128] = np.exp(-2j * np.pi * np.outer(hertz, times)) * (2 / FRAME_SAMPLES)
    return waves


_ROWS: Final = _probes(_ROWS_HZ)
_COLUMNS: Final = _probes(_COLUMNS_HZ)


def key_in(pcm: Pcm) -> str:
    """Return the key that one frame, (160,) int16 at 8 kHz, sounds like; empty for none."""
    samples = pcm.astype(np.float64)
    power = float(samples @ samples) / FRAME_SAMPLES
    if power < LOUD_RMS * LOUD_RMS:
        return ""
    # A tone of amplitude a has the power a²/2.
    rows, columns = (np.square(np.abs(probes @ samples)) / 2 for probes in (_ROWS, _COLUMNS))
    row, column = int(np.argmax(rows)), int(np.argmax(columns))
    low, high = float(rows[row]), float(columns[column])
    alone = all(
        float(np.partition(group, -2)[-2]) <= OTHERS_SHARE * loudest
        for group, loudest in ((rows, low), (columns, high))
    )
    even = low <= TWIST_MAX * high and high <= TWIST_MAX * low
    return KEYS[4 * row + column] if alone and even and low + high >= PURE_SHARE * power else ""


class KeyEar:
    """One line's: the keys that were pressed on it, in their order."""

    def __init__(self) -> None:
        self.pressed = ""
        self._sounding = ""
        self._frames = 0
        self._next_ms = 0.0  # where the frame after the last one begins

    def hear(self, pcm: Pcm, at_ms: float) -> None:
        """Take a frame that began at `at_ms`; silent ones may be left out."""
        if at_ms > self._next_ms:
            self._sounding = ""
        self._next_ms = at_ms + FRAME_MS
        key = key_in(pcm)
        self._frames = self._frames + 1 if key == self._sounding else 1
        self._sounding = key
        if key and self._frames == PRESSED_FRAMES:
            self.pressed += key
