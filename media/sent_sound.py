"""What the prospect hears of us, 20 ms at a time and without a seam, for who listens in. Plain calls; nothing waits.

Alone with the prospect the agent's voice is sent ahead, so it is taken from what the carrier plays now. Mixed with
others it is sent as it sounds: those frames are passed on in their order, a little later, so that ticks that come early
or late tear nothing.
"""

from collections.abc import Callable
from typing import Final

from media.agent_voice import AgentVoice
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, FRAME_SAMPLES

OUT_OF_STEP_MS: Final = 60  # where the view of the agent's voice leaps back into step
HELD_BACK_BYTES: Final = 2 * FRAME_SAMPLES  # of mixed sound, before the first of it is passed on
_KEPT_BYTES: Final = 6 * FRAME_SAMPLES  # a reader that has stopped: the oldest goes


class PlayedSound:
    """The agent's voice as it is played now, one frame behind the other though the clock is read at uneven times."""

    def __init__(self, voice: AgentVoice, now_ms: Callable[[], float]) -> None:
        self._voice = voice
        self._now_ms = now_ms
        self._to_ms = 0.0

    def next(self) -> bytes:
        """Return the 20 ms that follow those before, µ-law; silence is sound too."""
        now_ms = self._now_ms()
        if abs(now_ms - self._to_ms - FRAME_MS) > OUT_OF_STEP_MS:
            self._to_ms = now_ms - FRAME_MS
        heard = self._voice.far.sound(self._to_ms, FRAME_SAMPLES)
        self._to_ms += FRAME_MS
        return heard


class SentSound:
    """All that the prospect hears of us: the agent's voice, or what it is mixed with."""

    def __init__(self, voice: AgentVoice, now_ms: Callable[[], float]) -> None:
        self._voice = voice
        self._played = PlayedSound(voice, now_ms)
        self._mixed = bytearray()
        self._flows = False
        voice.on_mixed = self._take

    def next(self) -> bytes:
        """Return the next 20 ms, µ-law; empty for silence."""
        if not self._voice.mixed:
            self._mixed.clear()
            self._flows = False
            return self._played.next()
        self._flows = bool(self._mixed) and (self._flows or len(self._mixed) >= HELD_BACK_BYTES)
        if not self._flows:
            return b""
        frame = bytes(self._mixed[:FRAME_SAMPLES])
        del self._mixed[:FRAME_SAMPLES]
        return frame.ljust(FRAME_SAMPLES, ULAW_SILENCE)

    def _take(self, ulaw: bytes) -> None:
        self._mixed += ulaw
        if len(self._mixed) > _KEPT_BYTES:
            del self._mixed[: len(self._mixed) - _KEPT_BYTES]
