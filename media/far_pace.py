"""Keeps what is sent to a telephone in step with its own clock, which its frames' stamps tell. Sans-I/O.

We send a frame each 20 ms by our clock and the far end plays by its own: what it has not played yet would grow in a
long call, and with each burst after a stall of ours. Late speech is worse than lost speech.
"""

from typing import Final

from media.frame import FRAME_MS

LEAD_MAX_MS: Final = 200  # of sound on its way to the ear; the network's jitter in the stamps is well below it
LAG_MAX_MS: Final = 60  # sent too late by so much, the far end has heard silence in its place


class FarPace:
    """One stream's. `heard` takes each frame's stamp, `lets_pass` is asked before each frame that is sent."""

    def __init__(self) -> None:
        self._far_ms: int | None = None  # the far end's clock, by the frame that came last
        self._sent_ms = 0

    def heard(self, at_ms: int) -> None:
        """Take the stamp of a frame of 20 ms that came."""
        far_ms = at_ms + FRAME_MS
        if self._far_ms is None:
            self._sent_ms = far_ms
        self._far_ms = far_ms if self._far_ms is None else max(far_ms, self._far_ms)

    def lets_pass(self) -> bool:
        """Whether the next 20 ms may be sent; what may not is dropped."""
        if self._far_ms is None:
            return False
        lead_ms = self._sent_ms - self._far_ms
        if lead_ms >= LEAD_MAX_MS:
            return False
        self._sent_ms = (self._far_ms if lead_ms < -LAG_MAX_MS else self._sent_ms) + FRAME_MS
        return True
