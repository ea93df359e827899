"""A persona at work: 20 ms at a time, from what the ear has heard to what the mouth does. Sans-I/O.

It understands no words. It knows when the agent speaks and when the agent has stopped, as its persona needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telephony.carrier.clip import Clip, Kind
from telephony.carrier.ear import Ear
from telephony.carrier.persona import EchoPath, When
from telephony.carrier.ulaw import FRAME_MS, FRAME_SAMPLES, Pcm

INTERRUPTION_HEARD_MS: Final = 60  # what must be heard of a turn before it can be interrupted
MISSED_CUE_MS: Final = 2_500  # a turn too short to be interrupted: say it after this much silence instead
SAMPLES_PER_MS: Final = 8


@dataclass(frozen=True, slots=True)
class Cue:
    """One line, made ready: its sound, its keys, or (neither) hanging up."""

    when: When
    delay_ms: int
    heard_ms: int
    clip: Clip | None = None
    keys: str = ""
    awaited: str = ""  # keys that the agent has to press


@dataclass(frozen=True, slots=True)
class AsideCue:
    turn: int
    after_ms: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class Part:
    """All that an actor needs: a persona with its sounds made."""

    cues: Sequence[Cue] = ()
    asides: Sequence[AsideCue] = ()
    otherwise: Sequence[Cue] = ()
    goodbye: Clip | None = None
    patience_ms: float = 20_000
    limit_ms: float = 300_000
    noise: Pcm | None = None  # around them, repeated
    echo: EchoPath | None = None  # they have us on loudspeaker


@dataclass(slots=True)
class Utterance:
    """A sound made, on the line's clock; both ends are audible samples."""

    kind: Kind
    text: str
    started_ms: float
    ended_ms: float
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What the person does in one frame. `pcm` None is silence."""

    pcm: Pcm | None = None
    keys: str = ""
    hangs_up: bool = False
    beeps: bool = False


@dataclass(slots=True)
class _Playing:
    clip: Clip
    utterance: Utterance
    began_ms: float
    at: int = 0


SILENT: Final = Act()


@dataclass(slots=True)
class Actor:
    part: Part
    ear: Ear
    utterances: list[Utterance] = field(default_factory=list)
    _next: int = 0
    _playing: _Playing | None = None
    _asides: list[AsideCue] = field(default_factory=list)
    _free_since_ms: float = 0.0  # when the last line ended
    _heard_then_ms: int = 0  # how much of the agent had been heard by then
    _keys_then: int = 0  # how many of the agent's keys
    _awaited_at_ms: float | None = None  # when the keys that are waited for had been pressed
    _leaving: bool = False

    def __post_init__(self) -> None:
        self._asides = list(self.part.asides)

    def act(self, now_ms: float) -> Act:
        """Return what is done in the frame that begins at `now_ms`."""
        if self._playing is not None:
            return self._go_on(self._playing, now_ms)
        if now_ms >= self.part.limit_ms:
            return Act(hangs_up=True)
        cue = self._pending()
        if cue is not None and self._is_due(cue, now_ms):
            self._next += 1
            if cue.clip is not None:
                return self._begin(cue.clip, now_ms, aside=False)
            self._take_breath(now_ms)
            return Act(keys=cue.keys) if cue.keys else Act(hangs_up=True)
        aside = self._aside_due(now_ms)
        if aside is not None:
            return self._begin(aside.clip, now_ms, aside=True)
        quiet_ms = min(self.ear.silent_for_ms(now_ms), now_ms - self._free_since_ms)
        if quiet_ms < self.part.patience_ms and not self._leaving:
            return SILENT
        if self.part.goodbye is not None and not self._leaving:
            self._leaving = True
            return self._begin(self.part.goodbye, now_ms, aside=False)
        return Act(hangs_up=True)

    def _pending(self) -> Cue | None:
        if self._leaving:
            return None
        if self._next < len(self.part.cues):
            return self.part.cues[self._next]
        spare = self._next - len(self.part.cues)
        return self.part.otherwise[spare] if spare < len(self.part.otherwise) else None

    def _is_due(self, cue: Cue, now_ms: float) -> bool:
        heard_ms = self.ear.voiced_ms - self._heard_then_ms
        silent_ms = self.ear.silent_for_ms(now_ms)
        match cue.when:
            case When.ANSWERED:
                return now_ms >= cue.delay_ms
            case When.PREVIOUS:
                return now_ms - self._free_since_ms >= cue.delay_ms
            case When.TURN_OVER:
                return heard_ms >= cue.heard_ms and silent_ms >= cue.delay_ms
            case When.PRESSED:
                if self._awaited_at_ms is None and cue.awaited in self.ear.keys[self._keys_then :]:
                    self._awaited_at_ms = now_ms
                return self._awaited_at_ms is not None and now_ms - self._awaited_at_ms >= cue.delay_ms
            case When.SPEAKING:
                if heard_ms < INTERRUPTION_HEARD_MS:
                    return False
                into_turn_ms = now_ms - max(self.ear.turn_started_ms, self._free_since_ms)
                in_the_middle = self.ear.is_speaking(now_ms) and into_turn_ms >= cue.delay_ms
                return in_the_middle or silent_ms >= MISSED_CUE_MS

    def _aside_due(self, now_ms: float) -> AsideCue | None:
        self._asides = [aside for aside in self._asides if aside.turn >= self.ear.turn]
        if not self.ear.is_speaking(now_ms):
            return None
        into_turn_ms = now_ms - self.ear.turn_started_ms
        for aside in self._asides:
            if aside.turn == self.ear.turn and into_turn_ms >= aside.after_ms:
                self._asides.remove(aside)
                return aside
        return None

    def _begin(self, clip: Clip, now_ms: float, *, aside: bool) -> Act:
        started_ms = now_ms + clip.first / SAMPLES_PER_MS
        utterance = Utterance(clip.kind, clip.text, started_ms, started_ms, aside)
        self.utterances.append(utterance)
        self._playing = _Playing(clip, utterance, now_ms)
        return self._go_on(self._playing, now_ms)

    def _go_on(self, playing: _Playing, now_ms: float) -> Act:
        clip = playing.clip
        frame = clip.pcm[playing.at : playing.at + FRAME_SAMPLES]
        playing.at += FRAME_SAMPLES
        said = min(clip.last, playing.at)
        if said > clip.first:
            playing.utterance.ended_ms = playing.began_ms + said / SAMPLES_PER_MS
        if playing.at >= len(clip.pcm):
            self._playing = None
            if not playing.utterance.aside:
                self._take_breath(now_ms + FRAME_MS)
        if len(frame) < FRAME_SAMPLES:
            frame = np.concatenate([frame, np.zeros(FRAME_SAMPLES - len(frame), np.int16)])
        return Act(frame, beeps=clip.kind is Kind.BEEP)

    def _take_breath(self, now_ms: float) -> None:
        self._free_since_ms = now_ms
        self._heard_then_ms = self.ear.voiced_ms
        self._keys_then = len(self.ear.keys)
        self._awaited_at_ms = None
