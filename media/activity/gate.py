"""A cheap guard before the network: webrtcvad decides, for 2 µs a frame, whether anybody may be speaking. Sans-I/O.

It is set to its least strict mode and lets doubtful sound through: what it holds back must be silence. It opens at
once and closes only some time after the last doubtful frame; the audio just before it opened is kept, so that no
first syllable is lost.
"""

from collections import deque
from typing import Final

import webrtcvad

from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

_LEAST_STRICT: Final = 0
HOLD_MS: Final = 640  # longer than a turn's closing silence, so that the turn ends while the gate is open
PREROLL_MS: Final = 220


class Gate:
    """One call's guard: fed with each piece of audio, it says which audio the network should hear."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_LEAST_STRICT)
        self._preroll: deque[Samples] = deque(maxlen=PREROLL_MS // FRAME_MS)
        self._hold_ms = 0

    @property
    def open(self) -> bool:
        return self._hold_ms > 0

    def hear(self, pcm: Samples, *, stay: bool) -> list[Samples]:
        """Return what of the audio so far the network should hear next; empty while the gate is closed.

        Args:
            pcm: int16, 8 kHz, mono; kept until the gate opens.
            stay: a voice is being heard: do not close.
        """
        was_open = self.open
        if stay or self._may_be_speech(pcm):
            self._hold_ms = HOLD_MS
        else:
            self._hold_ms = max(0, self._hold_ms - len(pcm) * 1_000 // RATE_HZ)
        if not self.open:
            self._preroll.append(pcm)
            return []
        if was_open:
            return [pcm]
        heard = [*self._preroll, pcm]
        self._preroll.clear()
        return heard

    def forget(self) -> None:
        """What was kept does not belong to what follows: frames were lost."""
        self._preroll.clear()

    def _may_be_speech(self, pcm: Samples) -> bool:
        if len(pcm) != FRAME_SAMPLES:
            return True  # the carrier's frames are 20 ms; anything else is not worth a rule
        speech: bool = self._vad.is_speech(pcm.tobytes(), RATE_HZ)
        return speech
