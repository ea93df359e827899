"""A cheap guard before the network: webrtcvad decides, for 2 µs a frame, whether anybody may be speaking. Sans-I/O.

It is set to its least strict mode and lets doubtful sound through: what it holds back must be silence. It opens at
once and closes only some time after the last doubtful frame; the audio just before it opened is kept, so that no
first syllable is lost.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import webrtcvad

from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

_LEAST_STRICT: Final = 0
HOLD_MS: Final = 480  # the network decides within 100 ms; a breath between words must not cost its memory
PREROLL_MS: Final = 220
_FRAME_BYTES: Final = 2 * FRAME_SAMPLES
_BYTES_PER_MS: Final = _FRAME_BYTES // FRAME_MS


class Gate:
    """One call's guard: fed with each piece of audio, it says which audio the network should hear."""

    def __init__(self) -> None:
        self._is_speech: Callable[[bytes, int], bool] = webrtcvad.Vad(_LEAST_STRICT).is_speech
        self._preroll: deque[bytes] = deque(maxlen=PREROLL_MS // FRAME_MS)
        self._hold_ms = 0  # how long the gate stays open without another doubtful frame; negative while it is shut
        self.open = False

    def hear(self, pcm: bytes, *, stay: bool) -> bytes:
        """Return what of the audio so far the network should hear next; nothing while the gate is closed.

        Args:
            pcm: int16 samples, 8 kHz, mono; kept until the gate opens.
            stay: a voice is being heard: do not close.
        """
        was_open = self.open
        if self._may_be_speech(pcm):
            self._hold_ms = HOLD_MS
        else:
            self._hold_ms -= len(pcm) // _BYTES_PER_MS
        self.open = stay or self._hold_ms > 0
        if not self.open:
            self._preroll.append(pcm)
            return b""
        if was_open:
            return pcm
        heard = b"".join(self._preroll) + pcm
        self._preroll.clear()
        return heard

    def forget(self) -> None:
        """What was kept does not belong to what follows: frames were lost."""
        self._preroll.clear()

    def _may_be_speech(self, pcm: bytes) -> bool:
        if len(pcm) != _FRAME_BYTES:
            return True  # the carrier's frames are 20 ms; anything else is not worth a rule
        return self._is_speech(pcm, RATE_HZ)
