"""Pure tones on a telephone line: the beep of an answering machine, a fax, a ring-back. Sans-I/O.

A beep is a tone of one steady frequency that ends in quiet. Speech and music are not pure, keys of a telephone are two
tones, most ring-backs are two that beat with each other, and a melody goes on with its next note.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

LOW_HZ: Final = 400.0
HIGH_HZ: Final = 2_500.0
STEADY_HZ: Final = 20.0
PURE_SHARE: Final = 0.9
LENGTH_MIN_FRAMES: Final = 5
LENGTH_MAX_MS: Final = 3_000  # what sounds for longer is a dead line or a fax
LOUD_RMS: Final = 180.0  # int16, -45 dBFS: softer than this nobody is asked to speak after it
# A block of 5 ms holds two periods and more of any tone in range, so a steady one is even to a tenth; two tones that
# beat (440 + 480 Hz, the ring-back of North America) go down to nothing.
EVEN_BLOCKS: Final = 4
EVEN_SHARE: Final = 0.5
QUIET_SHARE: Final = 0.06  # of the tone's energy, -12 dB: below it the tone has ended
QUIET_FRAMES: Final = 3
TAIL_FRAMES: Final = 2  # in which a tone may die away
MELODY_MS: Final = 400  # a tone so soon after another one, of another pitch, is a tune or a "number not in service"
_FAX_HZ: Final = ((1_100.0, 38.0), (2_100.0, 25.0))  # T.30: calling and called fax, with their tolerances
_PROGRESS_HZ: Final = (425.0, 15.0)  # E.180: ring-back, busy and congestion of most of the world, Brazil among it
_LOBE: Final = 2  # bins on each side of a Hann window's peak
_FIRST_BIN: Final = 2  # 100 Hz: mains hum is not the line's sound
_WINDOW: Final = np.hanning(FRAME_SAMPLES + 1)[:-1]
_BIN_HZ: Final = RATE_HZ / FRAME_SAMPLES
_ANGLES: Final = 2 * np.pi / FRAME_SAMPLES * np.outer(np.arange(FRAME_SAMPLES // 2 + 1), np.arange(FRAME_SAMPLES))
_COSINES: Final = np.cos(_ANGLES) * _WINDOW
_SINES: Final = np.sin(_ANGLES) * _WINDOW

Samples = NDArray[np.int16]


class ToneKind(Enum):
    BEEP = auto()
    FAX = auto()
    PROGRESS = auto()  # ring-back, busy
    TUNE = auto()  # one note of several


@dataclass(frozen=True, slots=True)
class Tone:
    kind: ToneKind
    frequency_hz: float
    started_ms: int
    ended_ms: int


@dataclass(slots=True)
class _Run:
    """A tone under way."""

    started_ms: int
    energy: float  # mean square of its first frame
    frequencies: list[float]
    over: int = 0  # frames since its last pure one
    quiet: int = 0
    endless: bool = False  # judged already, and still sounding

    @property
    def frequency_hz(self) -> float:
        return float(np.median(self.frequencies))


class BeepDetector:
    """One line's. `on_tone` is called when a tone has ended, 60 to 100 ms after its last sample."""

    def __init__(self, on_tone: Callable[[Tone], None]) -> None:
        self._on_tone = on_tone
        self._run: _Run | None = None
        self._last_ended_ms: int | None = None  # of any tone
        self._last_hz = 0.0

    @property
    def sounding(self) -> bool:
        """True while a tone lasts that may turn out a beep."""
        return self._run is not None and len(self._run.frequencies) >= LENGTH_MIN_FRAMES

    def hear(self, pcm: Samples, at_ms: int) -> None:
        """Take a frame, (160,) int16 at 8 kHz, that begins at `at_ms` of the call."""
        samples = pcm.astype(np.float64)
        energy = float(samples @ samples) / len(samples)
        frequency = _pure_hz(samples, energy)
        run = self._run
        if run is not None and frequency is not None and abs(frequency - run.frequency_hz) <= STEADY_HZ:
            if run.over:
                self._run = None  # it wavered: no machine's beep does
                return
            if run.endless:
                return
            run.frequencies.append(frequency)
            if len(run.frequencies) * FRAME_MS > LENGTH_MAX_MS:
                self._judge(run, at_ms + FRAME_MS)
                run.endless = True
            return
        if run is not None:
            if self._dies_away(run, energy, at_ms, pure=frequency is not None):
                return
            self._run = None
        if frequency is not None:
            self._run = _Run(at_ms, energy, [frequency])

    def _dies_away(self, run: _Run, energy: float, at_ms: int, *, pure: bool) -> bool:
        """Take a frame behind a tone; False when the tone does not end in quiet, or is done with."""
        run.over += 1
        if energy <= run.energy * QUIET_SHARE:
            run.quiet += 1
            if run.quiet < QUIET_FRAMES:
                return True
            self._judge(run, at_ms - (run.over - 1) * FRAME_MS)
            self._run = None
            return True
        if not run.quiet and run.over <= TAIL_FRAMES and not pure:
            return True
        if len(run.frequencies) >= LENGTH_MIN_FRAMES:
            # Another sound follows at once: remembered, so that what comes next is known for a tune.
            self._last_ended_ms, self._last_hz = at_ms, run.frequency_hz
        return False

    def _judge(self, run: _Run, ended_ms: int) -> None:
        if run.endless or len(run.frequencies) < LENGTH_MIN_FRAMES:
            return
        hz = run.frequency_hz
        before, self._last_ended_ms = self._last_ended_ms, ended_ms
        other_pitch = abs(hz - self._last_hz) > STEADY_HZ
        self._last_hz = hz
        if before is not None and run.started_ms - before < MELODY_MS and other_pitch:
            kind = ToneKind.TUNE
        elif any(abs(hz - fax) <= within for fax, within in _FAX_HZ):
            kind = ToneKind.FAX
        elif abs(hz - _PROGRESS_HZ[0]) <= _PROGRESS_HZ[1] or ended_ms - run.started_ms > LENGTH_MAX_MS:
            kind = ToneKind.PROGRESS
        else:
            kind = ToneKind.BEEP
        self._on_tone(Tone(kind, hz, run.started_ms, ended_ms))


def _pure_hz(samples: NDArray[np.float64], energy: float) -> float | None:
    """Return the frequency of a frame that is one steady tone in range; None of any other."""
    if energy < LOUD_RMS * LOUD_RMS:
        return None
    # The cheaper test first, and the transform as two products: this is done for every loud frame of a call's opening.
    quarters = samples.reshape(EVEN_BLOCKS, -1)
    blocks = np.einsum("ij,ij->i", quarters, quarters).tolist()
    if min(blocks) < EVEN_SHARE * max(blocks):
        return None
    real, imaginary = _COSINES @ samples, _SINES @ samples
    power = real * real + imaginary * imaginary
    peak = int(np.argmax(power[_FIRST_BIN:])) + _FIRST_BIN
    if peak + _LOBE >= len(power):
        return None
    total = float(power[_FIRST_BIN:].sum())
    if not total:
        return None  # a click at the frame's very edge, where the window is nothing
    if float(power[max(_FIRST_BIN, peak - _LOBE) : peak + _LOBE + 1].sum()) < PURE_SHARE * total:
        return None
    hertz = _interpolated(power, peak) * _BIN_HZ
    return hertz if LOW_HZ <= hertz <= HIGH_HZ else None


def _interpolated(power: NDArray[np.float64], peak: int) -> float:
    """Return the place of a Hann window's peak between bins, from its larger neighbour: exact for one tone."""
    side = 1 if power[peak + 1] >= power[peak - 1] else -1
    ratio = math.sqrt(float(power[peak + side] / power[peak]))
    return peak + side * (2 * ratio - 1) / (ratio + 1)
