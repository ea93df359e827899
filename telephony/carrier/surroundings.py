"""What a telephone picks up besides its owner's voice: the room or the street, and its own loudspeaker. Sans-I/O."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telephony.carrier.loudspeaker import Loudspeaker
from telephony.carrier.ulaw import FRAME_SAMPLES, Pcm

_ROOM_SAMPLES: Final = 8_000  # one second of a room, repeated
_FULL_SCALE: Final = 32_768


@dataclass(slots=True)
class Surroundings:
    """One call's. `noise` is repeated as long as the call lasts; its length is a whole number of frames."""

    noise: Pcm | None = None
    loudspeaker: Loudspeaker | None = None
    _at: int = 0  # the next sample of the noise

    def around(self, voice: Pcm | None, heard: Pcm | None) -> Pcm | None:
        """Return a frame as the telephone sends it; None is digital silence.

        Args:
            voice: what its owner says in this frame; None for nothing.
            heard: what the telephone plays to them in this frame; None for nothing.
        """
        echo = self.loudspeaker.hear(heard) if self.loudspeaker is not None else None
        noise = None
        if self.noise is not None:
            noise = self.noise[self._at : self._at + FRAME_SAMPLES]
            self._at = (self._at + FRAME_SAMPLES) % len(self.noise)
        if echo is None and (voice is None or noise is None):
            return noise if voice is None else voice
        mixed = np.zeros(FRAME_SAMPLES, np.float32)
        for sound in (voice, noise, echo):
            if sound is not None:
                mixed += sound
        return np.asarray(np.clip(np.rint(mixed), -_FULL_SCALE, _FULL_SCALE - 1), np.int16)


def room(dbfs: float, seed: int) -> Pcm:
    """Return a second of hiss, as loud as a quiet room is on a telephone (RMS in dB below full scale)."""
    rms = _FULL_SCALE * 10 ** (dbfs / 20)
    return np.asarray(np.random.default_rng(seed).standard_normal(_ROOM_SAMPLES) * rms).astype(np.int16)
