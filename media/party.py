"""A person in a call beside the prospect: a rep or a supervisor, with what they may do, and their audio's way."""

from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

import numpy as np

from media.codec import g711
from media.codec.g711 import Samples
from media.codec.resample import Resampler
from media.frame import FRAME_SAMPLES, RATE_HZ
from media.jitter import JitterBuffer, Quality, QualityWatch

_EMPTY: Final = np.zeros(0, dtype=np.int16)
_SILENCE: Final = np.zeros(FRAME_SAMPLES, dtype=np.int16)
_PRESSED_MAX: Final = 60 * RATE_HZ  # a minute of keys; nobody waits for more
_HELD_BACK_MAX: Final = 2 * FRAME_SAMPLES  # rates that do not divide leave some samples over; no more than this


class Role(Enum):
    REP = "rep"  # talks with the prospect, beside the agent
    REP_ALONE = "rep_alone"  # has taken over: the agent is not heard any more
    LISTENER = "listener"  # a supervisor who hears all and is heard by nobody
    WHISPERER = "whisperer"  # a supervisor whom only reps hear, never the prospect
    BARGER = "barger"  # a supervisor whom all hear
    CONSULTED = "consulted"  # telephoned in beside a rep: hears and is heard as the prospect is, and no whispers
    PARKED = "parked"  # the same on hold: hears music, and nobody hears them


TALKS_TO_PROSPECT: Final = frozenset({Role.REP, Role.REP_ALONE, Role.BARGER, Role.CONSULTED})
TALKS_TO_REPS: Final = TALKS_TO_PROSPECT | {Role.WHISPERER}
REPS: Final = frozenset({Role.REP, Role.REP_ALONE})
TELEPHONED: Final = frozenset({Role.CONSULTED, Role.PARKED})  # nobody takes such a role by themselves


class Outlet(Protocol):
    """The person's end: takes 20 ms at its own rate and never waits; what it cannot send it drops and counts."""

    @property
    def rate_hz(self) -> int: ...

    def hear(self, pcm: Samples) -> None: ...


class Party:
    """One person. Frames come in by `spoke` as the network brings them; the conference reads one each tick."""

    def __init__(self, name: str, outlet: Outlet, role: Role, on_quality: Callable[[str, Quality], None]) -> None:
        """`name` is the leg's, for events."""
        self.name = name
        self.role = role
        self.buffer = JitterBuffer()
        self.watch = QualityWatch(lambda quality: on_quality(name, quality))
        self._outlet = outlet
        self._to_room = Resampler(outlet.rate_hz, RATE_HZ)
        self._from_room = Resampler(RATE_HZ, outlet.rate_hz)
        self._ready = _EMPTY
        self._pressed = b""  # tones of keys that are still to be heard, µ-law
        self._lost = self._received = 0  # at the last report
        self.ear: Callable[[Samples | None], None] | None = None  # whoever transcribes: 20 ms at the room's rate

    def begin(self) -> None:
        """Forget what came so far: nobody was there to hear it."""
        self.buffer = JitterBuffer()

    def spoke(self, number: int, pcm: Samples, at_ms: float) -> None:
        """Take 20 ms of the person's audio at their own rate; numbers rise by one with each."""
        self.buffer.push(number, pcm, at_ms)

    def press(self, tones: bytes) -> None:
        """Let others hear tones of keys (µ-law at the room's rate) in place of the voice, for as long as they last."""
        self._pressed = (self._pressed + tones)[:_PRESSED_MAX]

    def read(self) -> Samples | None:
        """Return the next 20 ms at the room's rate; None for silence."""
        frame = self.buffer.pop()
        if self._pressed:
            pressed, self._pressed = self._pressed[:FRAME_SAMPLES], self._pressed[FRAME_SAMPLES:]
            self._ready = _EMPTY  # what was said meanwhile is over
            return g711.decode(pressed)
        if frame is not None:
            self._ready = np.concatenate([self._ready, self._to_room.push(frame)])[-_HELD_BACK_MAX:]
        if not len(self._ready):
            return None
        now, self._ready = self._ready[:FRAME_SAMPLES], self._ready[FRAME_SAMPLES:]
        return now

    def play(self, pcm: Samples | None) -> None:
        """Let the person hear 20 ms; None is silence."""
        frame = _SILENCE if pcm is None else pcm
        if len(frame) < FRAME_SAMPLES:
            frame = np.concatenate([frame, _SILENCE[len(frame) :]])
        self._outlet.hear(self._from_room.push(frame))

    def report(self) -> None:
        """Judge the connection by the last second."""
        lost, received = self.buffer.lost - self._lost, self.buffer.received - self._received
        self._lost, self._received = self.buffer.lost, self.buffer.received
        self.watch.report(self.buffer.jitter.ms, lost, lost + received)
