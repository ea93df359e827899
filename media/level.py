"""All voices equally loud: a slow gain towards one level, changed only where a voice is quiet. Sans-I/O.

The level is that of the voiced parts (ITU-T P.56 measures so), as a mean over about a second of voice. The gain
moves in steps of half a decibel, at most one decibel at each gap between words, so that it never pumps within a word.
What a voice needed is remembered: its next call begins with that gain.
"""

import math
import warnings
from collections import OrderedDict
from typing import Final

from media.fade import STEP_DB, amplify
from media.frame import FRAME_SAMPLES

with warnings.catch_warnings():
    # As in media/codec/g711.py.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

TARGET_DBFS: Final = -20.0  # the usual level of a telephone voice
GAIN_MAX_STEPS: Final = 24  # 12 dB either way: a voice beyond that is broken, and noise would come up with it
VOICED_DBFS: Final = -45.0  # quieter frames are never voice
VOICED_BELOW_DB: Final = 15.0  # nor are those so much quieter than the voice has been
MEASURED_FRAMES: Final = 15  # of voice, before the gain moves
DEAD_BAND_DB: Final = 1.0
_MEMORY_FRAMES: Final = 50
_STEPS_A_GAP: Final = 2
_VOICES_KEPT: Final = 1_000
_FULL_SCALE: Final = 32_768.0


class VoiceLevels:
    """What gain each voice needed last, for the whole process; the voice unused for longest is forgotten first."""

    def __init__(self) -> None:
        self._steps: OrderedDict[str, int] = OrderedDict()

    def leveller(self, voice: str) -> "Leveller":
        """Return a leveller for one call of a voice, named as nothing else is."""
        return Leveller(self, voice, self._steps.get(voice, 0))

    def remember(self, voice: str, steps: int) -> None:
        self._steps[voice] = steps
        self._steps.move_to_end(voice)
        if len(self._steps) > _VOICES_KEPT:
            self._steps.popitem(last=False)


class Leveller:
    """One voice in one call."""

    def __init__(self, levels: VoiceLevels, voice: str, steps: int = 0) -> None:
        self._levels = levels
        self._voice = voice
        self._steps = steps
        self._power = 0.0  # mean of the voiced frames
        self._peak = 0.0
        self._measured = 0  # voiced frames so far
        self._in_gap = False

    @property
    def gain_db(self) -> float:
        return self._steps * STEP_DB

    def push(self, ulaw: bytes) -> bytes:
        """Return the next piece of the voice, as loud as all voices are."""
        pieces = []
        start = 0  # of what has the present gain
        for place in range(0, len(ulaw), FRAME_SAMPLES):
            steps = self._steps
            self._hear(ulaw[place : place + FRAME_SAMPLES])
            if self._steps != steps:
                pieces.append(amplify(ulaw[start:place], steps))
                start = place
        pieces.append(amplify(ulaw[start:], self._steps))
        return b"".join(pieces)

    def _hear(self, frame: bytes) -> None:
        linear = audioop.ulaw2lin(frame, 2)
        power = (audioop.rms(linear, 2) / _FULL_SCALE) ** 2
        if power > max(_power(VOICED_DBFS), self._power * _power(-VOICED_BELOW_DB)):
            self._measured += 1
            self._power += (power - self._power) / min(self._measured, _MEMORY_FRAMES)
            self._peak = max(self._peak, audioop.max(linear, 2) / _FULL_SCALE)
            self._in_gap = False
        elif not self._in_gap:
            self._in_gap = True
            self._adjust()

    def _adjust(self) -> None:
        if self._measured < MEASURED_FRAMES:
            return
        # Never so loud that peaks are cut.
        wanted_db = min(TARGET_DBFS - 10 * math.log10(self._power), -20 * math.log10(self._peak))
        wanted = max(-GAIN_MAX_STEPS, min(GAIN_MAX_STEPS, round(wanted_db / STEP_DB)))
        if abs(wanted - self._steps) * STEP_DB <= DEAD_BAND_DB:
            return
        self._steps += max(-_STEPS_A_GAP, min(_STEPS_A_GAP, wanted - self._steps))
        self._levels.remember(self._voice, self._steps)


def _power(db: float) -> float:
    return float(10 ** (db / 10))
