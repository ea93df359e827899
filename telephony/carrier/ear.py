"""How a person on the line hears the agent: bursts of sound, turns, silence. Sans-I/O.

By energy alone: a phone line carries the agent's voice without a room around it. Times are ms on the line's clock.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telephony.carrier.dtmf import KeyEar
from telephony.carrier.ulaw import FRAME_MS, Pcm

VOICED_RMS: Final = 130.0  # of int16 full scale: -48 dBFS, well under soft speech and over µ-law's idle noise
VOICED_SAMPLE: Final = 250  # a sample above this is the edge of a burst
BURST_GAP_MS: Final = 200.0  # a longer silence splits two bursts
TURN_GAP_MS: Final = 600.0  # a longer silence splits two turns
SAMPLES_PER_MS: Final = 8


@dataclass(slots=True)
class Burst:
    """A stretch of sound without a gap above BURST_GAP_MS; both ends are audible samples."""

    started_ms: float
    ended_ms: float


class Ear:
    """Fed with every frame that was played to the prospect."""

    def __init__(self) -> None:
        self.bursts: list[Burst] = []
        self.turn = 0  # the agent's turns so far, the present one included
        self.turn_started_ms = 0.0
        self.voiced_ms = 0  # all that the agent has been audible for
        self._last_voiced_ms: float | None = None
        self._keys = KeyEar()

    @property
    def keys(self) -> str:
        """The keys that the agent has pressed, by their tones."""
        return self._keys.pressed

    def hear(self, pcm: Pcm, at_ms: float) -> None:
        """Take one frame that began to play at `at_ms`."""
        self._keys.hear(pcm, at_ms)
        samples = pcm.astype(np.float32)
        if float(np.sqrt(np.mean(samples * samples))) < VOICED_RMS:
            return
        loud = np.flatnonzero(np.abs(samples) >= VOICED_SAMPLE)
        if not loud.size:
            return
        first_ms = at_ms + float(loud[0]) / SAMPLES_PER_MS
        last_ms = at_ms + float(loud[-1] + 1) / SAMPLES_PER_MS
        gap_ms = TURN_GAP_MS if self._last_voiced_ms is None else first_ms - self._last_voiced_ms
        if gap_ms >= TURN_GAP_MS:
            self.turn += 1
            self.turn_started_ms = first_ms
        if not self.bursts or gap_ms > BURST_GAP_MS:
            self.bursts.append(Burst(first_ms, last_ms))
        else:
            self.bursts[-1].ended_ms = last_ms
        self.voiced_ms += FRAME_MS
        self._last_voiced_ms = last_ms

    def silent_for_ms(self, now_ms: float) -> float:
        """Return how long the agent has been silent; since the line's beginning if it never spoke."""
        return now_ms - (self._last_voiced_ms or 0.0)

    def is_speaking(self, now_ms: float) -> bool:
        return self._last_voiced_ms is not None and now_ms - self._last_voiced_ms <= BURST_GAP_MS
