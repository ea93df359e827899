"""Keys of a telephone as the two tones that each of them is (ITU-T Q.23), in the call's own audio. Sans-I/O.

A carrier's two-way stream takes no keys from us, and telling it by its API would tear the stream down; the tones are
what a telephone sends, and what the menus of other telephone systems listen for.
"""

from functools import cache
from typing import Final

import numpy as np

from media.codec import g711
from media.frame import RATE_HZ, SAMPLES_PER_MS

KEYS: Final = "123A456B789C*0#D"
PAUSE: Final = "w"
LOW_HZ: Final = (697, 770, 852, 941)
HIGH_HZ: Final = (1209, 1336, 1477, 1633)
# Receivers must take 40 ms of tone and of silence (ITU-T Q.24); longer is safer behind codecs, and still quick.
TONE_MS: Final = 100
GAP_MS: Final = 80
PAUSE_MS: Final = 500
EDGE_MS: Final = 5  # faded in and out: a hard edge clicks over the whole band
# Each tone's peak; together they are at -8 dBm0 or so, with the high one louder, as lines weaken it more (Q.23: 2 dB).
LOW_PEAK: Final = 4_200
HIGH_PEAK: Final = 5_300


def tones(keys: str) -> bytes:
    """Return µ-law, 8 kHz: each key's tone and a gap; `w` is half a second of silence.

    Raises:
        ValueError: a key that no telephone has.
    """
    return b"".join(g711.ULAW_SILENCE * (PAUSE_MS * SAMPLES_PER_MS) if key == PAUSE else _tone(key) for key in keys)


@cache
def _tone(key: str) -> bytes:
    place = KEYS.find(key)
    if place < 0 or len(key) != 1:
        raise ValueError(f"no telephone has a key {key!r}")
    seconds = np.arange(TONE_MS * SAMPLES_PER_MS) / RATE_HZ
    low = LOW_PEAK * np.sin(2 * np.pi * LOW_HZ[place // 4] * seconds)
    high = HIGH_PEAK * np.sin(2 * np.pi * HIGH_HZ[place % 4] * seconds)
    edge = np.minimum(1.0, np.arange(1, len(seconds) + 1) / (EDGE_MS * SAMPLES_PER_MS))
    tone = ((low + high) * edge * edge[::-1]).astype(np.int16)
    return g711.encode(tone) + g711.ULAW_SILENCE * (GAP_MS * SAMPLES_PER_MS)
