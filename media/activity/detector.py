"""From speech probabilities to "a voice began" and "the voice ended". Sans-I/O.

Two thresholds, so that a probability that wavers does not; a voice counts when it has lasted a little, and is over
when it has been silent for longer. Both moments are reported with the positions of the first and last voiced
sample, found by loudness: the network's answer lags behind the sound by a window or two. Where others speak in the
background, a voice must also be louder than they are (media/activity/background.py).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from events.plan import Sensitivity
from media.activity.background import Background

WINDOW_MS: Final = 32
_AGAIN_WINDOWS: Final = 2  # one alone may be a flicker
_LEVELS_KEPT: Final = 64  # windows, two seconds: the loudness that the end is searched in
_QUIET_SHARE: Final = 0.08  # of the utterance's loudest window: below it a window holds no voice (-22 dB)
_FLOOR_TIMES: Final = 1.4  # the background between voices (3 dB): below it a window holds nothing but that
_DYING_SHARE: Final = 0.4  # of the loudest window just before: a bang, a cough dies away; a voice that begins does not
_DYING_WINDOWS: Final = 5


@dataclass(frozen=True, slots=True)
class Thresholds:
    start_ms: int = 96  # a voice must last this long: three windows
    pause_ms: int = 128  # silent this long, it has paused
    stop_ms: int = 384  # and this long, ended
    start_probability: float = 0.5
    stop_probability: float = 0.35  # below, a window of a voice is silent
    start_times: float = 3.0  # louder than voices in the background (10 dB): found on scenes, tests/media
    keep_times: float = 2.5


# What an organisation chooses by name. The pauses stay: how fast an answer comes is no matter of loudness.
THRESHOLDS: Final[Mapping[Sensitivity, Thresholds]] = {
    # Shops, cars, open offices: a cough, a clatter, a neighbour's laughter open no turn.
    Sensitivity.LOW: Thresholds(
        start_ms=160, start_probability=0.65, stop_probability=0.5, start_times=3.5, keep_times=3.0
    ),
    Sensitivity.NORMAL: Thresholds(),
    # Quiet people, bad lines: soft beginnings and endings count.
    Sensitivity.HIGH: Thresholds(
        start_ms=64, start_probability=0.4, stop_probability=0.25, start_times=2.2, keep_times=1.8
    ),
}


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    first_voiced_ms: int
    at_ms: int  # when it was known


@dataclass(frozen=True, slots=True)
class VoiceEnded:
    first_voiced_ms: int
    last_voiced_ms: int
    at_ms: int

    @property
    def voiced_ms(self) -> int:
        return self.last_voiced_ms - self.first_voiced_ms


@dataclass(frozen=True, slots=True)
class VoicePaused:
    """Quiet for a moment: the voice may be over, and a word of assent surely is."""

    first_voiced_ms: int
    last_voiced_ms: int
    at_ms: int

    @property
    def voiced_ms(self) -> int:
        return self.last_voiced_ms - self.first_voiced_ms


@dataclass(frozen=True, slots=True)
class VoiceResumed:
    """After a pause too short to end a turn, the voice goes on."""

    first_voiced_ms: int
    at_ms: int


VoiceSignal = VoiceStarted | VoicePaused | VoiceResumed | VoiceEnded


class Detector:
    """One call's rule. Positions in ms since the stream began."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._background = Background(self._thresholds.start_times, self._thresholds.keep_times)
        self._voice = False
        self._paused = False
        self._again = 0  # voiced windows since the pause
        self._run_started_ms: int | None = None  # start of the unbroken run of voiced windows
        self._first_voiced_ms = 0
        self._last_voiced_ms = 0
        self._levels: deque[tuple[int, float]] = deque(maxlen=_LEVELS_KEPT)  # (end_ms, rms)

    @property
    def voice(self) -> bool:
        """True between VoiceStarted and VoiceEnded."""
        return self._voice

    @property
    def begins(self) -> bool:
        """True while what may become a voice, or go on with one that paused, has not lasted long enough to count."""
        if self._voice:
            return self._paused and self._again > 0
        return self._run_started_ms is not None

    @property
    def last_voiced_ms(self) -> int:
        return self._last_voiced_ms

    @property
    def hush_rms(self) -> float:
        """Quieter than this (RMS, 0 to 1), the open voice has fallen silent, before the network knows; 0 with none."""
        return self._least(self._inside()) if self._voice else 0.0

    def end(self) -> None:
        """The voice is over, by somebody else's better judgement: the next one begins anew."""
        self._voice = self._paused = False
        self._run_started_ms = None

    def window(self, probability: float, end_ms: int, rms: float) -> VoiceSignal | None:
        """Take one window's probability, the position of its end, and its loudness (RMS, 0 to 1)."""
        self._levels.append((end_ms, rms))
        self._background.hear(rms, probability, voice=self._voice)
        if not self._voice:
            heard = probability >= self._thresholds.start_probability and rms >= self._background.start_rms
            return self._while_silent(end_ms, heard=heard)
        if probability >= self._thresholds.stop_probability and rms >= self._background.keep_rms:
            self._last_voiced_ms = end_ms
            return self._while_voiced(end_ms)
        self._again = 0
        quiet_ms = end_ms - self._last_voiced_ms
        if quiet_ms < self._thresholds.stop_ms:
            # The network holds on to a voice for 100 ms and more; that it is quiet is heard before it gives up.
            if self._paused or end_ms - (quiet_since := self._quiet_since()) < self._thresholds.pause_ms:
                return None
            self._paused = True
            return VoicePaused(self._first_voiced_ms, quiet_since, end_ms)
        self.end()
        return VoiceEnded(self._first_voiced_ms, self._quiet_since(), end_ms)

    def _while_voiced(self, end_ms: int) -> VoiceResumed | None:
        if not self._paused:
            return None
        self._again += 1
        if self._again < _AGAIN_WINDOWS:
            return None
        self._paused = False
        return VoiceResumed(self._first_voiced_ms, end_ms)

    def _while_silent(self, end_ms: int, *, heard: bool) -> VoiceStarted | None:
        if not heard:
            self._run_started_ms = None
            return None
        if self._run_started_ms is None:
            self._run_started_ms = end_ms - WINDOW_MS
        if end_ms - self._run_started_ms < self._thresholds.start_ms or self._dies_away():
            return None
        self._voice = True
        self._first_voiced_ms = self._run_started_ms
        self._last_voiced_ms = end_ms
        return VoiceStarted(self._first_voiced_ms, end_ms)

    def _dies_away(self) -> bool:
        lately = [rms for _, rms in list(self._levels)[-_DYING_WINDOWS:]]
        return lately[-1] < max(lately) * _DYING_SHARE

    def _quiet_since(self) -> int:
        """The end of the last window that was loud enough to be voice, never before the voice began."""
        inside = self._inside()
        least = self._least(inside)
        for end, rms in reversed(inside):
            if rms >= least:
                return end
        return self._last_voiced_ms

    def _inside(self) -> list[tuple[int, float]]:
        """Return the voice's windows: their ends and loudness."""
        return [(end, rms) for end, rms in self._levels if self._first_voiced_ms < end <= self._last_voiced_ms]

    def _least(self, inside: Sequence[tuple[int, float]]) -> float:
        """Return the loudness below which a window of these holds no voice."""
        loudest = max((rms for _, rms in inside), default=0.0)
        return max(loudest * _QUIET_SHARE, min(self._background.floor_rms * _FLOOR_TIMES, loudest))
