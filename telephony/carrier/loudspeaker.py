"""A telephone on loudspeaker: what its owner hears goes into its microphone too, later and softer. Sans-I/O.

The way has three parts: the delay (the far telephone's buffers and both ways through its network), the small
loudspeaker (no bass, little treble), and the room, whose walls send it back some more times. Frames of 160 samples,
8 kHz.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telephony.carrier.ulaw import FRAME_SAMPLES, RATE_HZ, Pcm

SAMPLES_PER_MS: Final = RATE_HZ // 1000
_LOW_HZ, _HIGH_HZ = 350.0, 2_600.0  # what a telephone's loudspeaker gives out
_CONE_MS: Final = 8  # length of the loudspeaker's own response
_WALLS_SHARE: Final = 0.5  # of the direct sound's energy: an arm's length from a telephone on a desk
_DECAY: Final = 6.9  # natural logarithm of 1000: after `room_ms` the room has died down by 60 dB


class Loudspeaker:
    """One call's. Give it each frame as it is heard; it returns what of the frames before comes back meanwhile."""

    def __init__(self, delay_ms: int, loss_db: float, room_ms: int, seed: int = 0) -> None:
        """`delay_ms`: at least 20; `loss_db`: how much softer it comes back; `room_ms`: until the room is silent."""
        self._way = _response(loss_db, room_ms, seed)
        # The newest sample that a frame needs was played `delay_ms` before it: the frame itself is not among them.
        self._delay = delay_ms * SAMPLES_PER_MS - FRAME_SAMPLES
        if self._delay < 0:
            raise ValueError("delay_ms must be at least 20")
        self._played = np.zeros(self._delay + FRAME_SAMPLES + len(self._way) - 1, np.float32)
        self._quiet = len(self._played)  # samples since something was played

    def hear(self, pcm: Pcm | None) -> NDArray[np.float32] | None:
        """Take the frame that is heard now, None for silence; return the echo in the frame that is spoken now.

        None is silence, which costs nothing.
        """
        echo = None
        if self._quiet < len(self._played):
            reach = FRAME_SAMPLES + len(self._way) - 1
            end = len(self._played) - self._delay
            echo = np.convolve(self._played[end - reach : end], self._way, "valid").astype(np.float32)
        self._played[:-FRAME_SAMPLES] = self._played[FRAME_SAMPLES:]
        self._played[-FRAME_SAMPLES:] = 0.0 if pcm is None else pcm
        self._quiet = self._quiet + FRAME_SAMPLES if pcm is None else 0
        return echo


def _response(loss_db: float, room_ms: int, seed: int) -> NDArray[np.float32]:
    """Return the way's taps: a voice that goes through them is `loss_db` softer."""
    taps = _cone()
    if room_ms:
        chance = np.random.default_rng(seed)
        length = room_ms * SAMPLES_PER_MS
        walls = chance.standard_normal(length) * np.exp(-_DECAY * np.arange(length) / length)
        walls *= np.sqrt(_WALLS_SHARE / np.sum(walls**2))
        walls[0] += 1.0  # the straight way
        taps = np.convolve(taps, walls)
    # Loudness is that of speech, most of which lies where the loudspeaker is good: measured in its own band.
    spectrum = np.abs(np.fft.rfft(taps, 4_096)) ** 2
    hz = np.fft.rfftfreq(4_096, 1 / RATE_HZ)
    band = (hz >= _LOW_HZ) & (hz <= _HIGH_HZ)
    return np.asarray(taps * 10 ** (-loss_db / 20) / np.sqrt(np.mean(spectrum[band])), np.float32)


def _cone() -> NDArray[np.float64]:
    """Return a windowed band-pass: the difference of two low-passes."""
    places = np.arange(_CONE_MS * SAMPLES_PER_MS) - (_CONE_MS * SAMPLES_PER_MS - 1) / 2

    def low_pass(hz: float) -> NDArray[np.float64]:
        return np.asarray(2 * hz / RATE_HZ * np.sinc(2 * hz / RATE_HZ * places))

    return np.asarray((low_pass(_HIGH_HZ) - low_pass(_LOW_HZ)) * np.hamming(len(places)))
