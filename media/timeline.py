"""The call's one timeline: local time to milliseconds since the carrier's stream began, and back. Sans-I/O.

The carrier stamps each of the prospect's frames. A frame arrives some delay after its last sample was taken, and
the smallest delay seen is the line's own; larger ones are jitter. So the earliest arrivals anchor the mapping.
"""

from typing import Final

from media.frame import FRAME_MS

# A clock that drifts by 100 ppm moves 6 ms a minute; the anchor may follow at ten times that.
_DRIFT_MS_PER_FRAME: Final = 0.02
# When every frame of two seconds was later than the anchor says by more than this, a clock was set or stood still.
_JUMP_MS: Final = 100.0
_JUMP_FRAMES: Final = 100


class Timeline:
    """Fed with each frame's stamp and local arrival; both in milliseconds."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None  # local time minus timeline time
        self.jitter_ms = 0.0  # smoothed spread of arrivals (RFC 3550 §6.4.1, gain 1/16)
        self._last_transit_ms = 0.0
        self._lately_ms = float("inf")  # the smallest transit of the present _JUMP_FRAMES
        self._frames = 0

    def observe(self, stamp_ms: int, local_ms: float) -> None:
        """Take the arrival of the frame that begins at `stamp_ms`."""
        transit_ms = local_ms - (stamp_ms + FRAME_MS)
        if self._offset_ms is None:
            self._offset_ms = transit_ms
        else:
            self.jitter_ms += (abs(transit_ms - self._last_transit_ms) - self.jitter_ms) / 16
            self._offset_ms = min(self._offset_ms + _DRIFT_MS_PER_FRAME, transit_ms)
            self._notice_jump(transit_ms)
        self._last_transit_ms = transit_ms

    @property
    def started(self) -> bool:
        return self._offset_ms is not None

    def at(self, local_ms: float) -> int:
        """Return the timeline's milliseconds at a local time; 0 before the first frame."""
        if self._offset_ms is None:
            return 0
        return max(0, round(local_ms - self._offset_ms))

    def local(self, at_ms: float) -> float:
        """Return the local time at which that moment of the timeline was, or will be, the present."""
        return at_ms + (self._offset_ms or 0.0)

    def _notice_jump(self, transit_ms: float) -> None:
        self._lately_ms = min(self._lately_ms, transit_ms)
        self._frames += 1
        if self._frames < _JUMP_FRAMES:
            return
        if self._offset_ms is not None and self._lately_ms > self._offset_ms + _JUMP_MS:
            self._offset_ms = self._lately_ms
        self._frames = 0
        self._lately_ms = float("inf")
