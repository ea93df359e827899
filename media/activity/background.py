"""What a call sounds like while its prospect does not speak, and how much louder a voice must be to count. Sans-I/O.

The network tells noise from voices well by itself: hum, hiss and engines it never takes for one. What it cannot know is
whose voice it hears: people in the prospect's room, or a television, are voices too. They are told apart by loudness.
The floor is the low level of what is heard between voices, and only as far as the network takes that for a voice must a
window rise above it. On a quiet line, and in noise that is no voice, nothing changes.

A crowd that is there from the first second, or that comes in mid-call, opens a voice before it is known. So a voice
that goes on for two seconds as evenly as no single person speaks, and well above the floor, is the background too.
"""

from collections import deque
from typing import Final

VOICELIKE: Final = 0.35  # the probability from which on a window at the floor counts as a voice in the background
_KEPT: Final = 64  # windows, two seconds
_ENOUGH: Final = 16  # windows, half a second: of fewer nobody knows what is background
_EVERY: Final = 8  # windows, a quarter of a second
_LOW, _HIGH = 0.2, 0.9  # shares of the windows that are not louder
_NEAR: Final = 1.6  # times the floor: as loud as the background gets by itself (4 dB)
_EVEN: Final = 3.0  # between low and high (10 dB): one person's fluent speech spans more
_NEW: Final = 2.0  # times the floor that was known: another background than that
_SILENT_RMS: Final = 0.001  # -60 dB: below, the line is quiet, and there is no background to tell from


class Background:
    """One call's. `start_rms` and `keep_rms`: what a window must reach to open, and to keep open, a voice."""

    def __init__(self, start_times: float, keep_times: float) -> None:
        """The arguments: how many times louder than a background of voices a voice must be."""
        self._start_times = start_times
        self._keep_times = keep_times
        self._between: deque[tuple[float, float]] = deque(maxlen=_KEPT)  # (rms, probability), while there is no voice
        self._within: deque[tuple[float, float]] = deque(maxlen=_KEPT)  # of the voice that is open
        self._until_next = _EVERY
        self.floor_rms = 0.0
        self.start_rms = 0.0
        self.keep_rms = 0.0

    def hear(self, rms: float, probability: float, *, voice: bool) -> None:
        """Take a window's loudness (RMS, 0 to 1), its probability, and whether a voice was open when it came."""
        if voice:
            self._within.append((rms, probability))
        else:
            self._within.clear()
            self._between.append((rms, probability))
        self._until_next -= 1
        if self._until_next:
            return
        self._until_next = _EVERY
        if not voice and len(self._between) >= _ENOUGH:
            self._learn(self._between)
        elif voice and len(self._within) == _KEPT and self._is_crowd():
            self._learn(self._within)
            self._between = self._within
            self._within = deque(maxlen=_KEPT)

    def _is_crowd(self) -> bool:
        levels = sorted(rms for rms, _ in self._within)
        low, high = levels[int(_LOW * _KEPT)], levels[int(_HIGH * _KEPT)]
        return high <= low * _EVEN and low > self.floor_rms * _NEW

    def _learn(self, windows: deque[tuple[float, float]]) -> None:
        levels = sorted(rms for rms, _ in windows)
        self.floor_rms = levels[int(_LOW * len(levels))]
        if self.floor_rms < _SILENT_RMS:
            self.start_rms = self.keep_rms = 0.0
            return
        near = [probability >= VOICELIKE for rms, probability in windows if rms <= self.floor_rms * _NEAR]
        voiced = sum(near) / len(near)  # the floor itself is one of them
        self.start_rms = self.floor_rms * self._start_times * voiced
        self.keep_rms = self.floor_rms * self._keep_times * voiced
