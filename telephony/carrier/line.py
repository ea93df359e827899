"""One phone line, 20 ms at a time: the agent's audio goes to the prospect's ear, the prospect's to whoever taps it.

Also the box's own record of what was heard and said. Times are ms since the line was picked up; frame n covers
[20 n, 20 n + 20). A frame of the prospect is passed on when it is over, as a real line does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from telephony.carrier import ulaw
from telephony.carrier.actor import Actor
from telephony.carrier.amd import Detector, Verdict
from telephony.carrier.ear import VOICED_RMS, Ear
from telephony.carrier.playout import Playout
from telephony.carrier.surroundings import Surroundings

FRAME_S: Final = ulaw.FRAME_MS / 1000
MARKS_NOTED_MAX: Final = 2_000


class Tap(Protocol):
    """Whoever carries the prospect's side away. Calls return at once."""

    def frame(self, sound: bytes, at_ms: int) -> None: ...

    def keys(self, keys: str) -> None: ...

    def marks(self, names: list[str]) -> None: ...


@dataclass(slots=True)
class MarkNote:
    name: str
    received_ms: float
    echoed_ms: float | None = None
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class ClearNote:
    at_ms: float
    dropped_ms: float


@dataclass(slots=True)
class Counters:
    frames: int = 0
    media_received: int = 0
    bytes_received: int = 0
    bytes_dropped: int = 0
    bytes_cleared: int = 0
    late_ms_max: float = 0.0  # how far behind the clock a frame was made


@dataclass(slots=True)
class Line:
    actor: Actor
    ear: Ear
    on_hang_up: Callable[[], None]
    on_verdict: Callable[[Verdict, float], None]
    detector: Detector | None = None
    surroundings: Surroundings = field(default_factory=Surroundings)
    playout: Playout = field(default_factory=Playout)
    counters: Counters = field(default_factory=Counters)
    marks: list[MarkNote] = field(default_factory=list)
    clears: list[ClearNote] = field(default_factory=list)
    keys: list[tuple[float, str]] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)  # µ-law since the line was picked up
    said: bytearray = field(default_factory=bytearray)
    zero_ms: int | None = None  # where the first tap began: zero of the call's timeline
    _tap: Tap | None = None
    _tapped_at: int = 0  # the first frame that the tap gets
    _frames: int = 0
    _left: bool = False

    @property
    def now_ms(self) -> int:
        """Where the next frame begins."""
        return self._frames * ulaw.FRAME_MS

    def attach(self, tap: Tap) -> None:
        """Pass the frames from the next one on to `tap`, its own time starting at 0."""
        self._tap = tap
        self._tapped_at = self._frames
        if self.zero_ms is None:
            self.zero_ms = self.now_ms

    def detach(self) -> None:
        """Stop passing frames on, and drop what the agent has not been heard saying."""
        self._tap = None
        self.counters.bytes_cleared += self.playout.clear()[0]

    def put(self, sound: bytes) -> bool:
        """Queue agent's audio; False when it is too much and was dropped."""
        self.counters.media_received += 1
        self.counters.bytes_received += len(sound)
        if self.playout.put(sound):
            return True
        self.counters.bytes_dropped += len(sound)
        return False

    def mark(self, name: str) -> None:
        if len(self.marks) < MARKS_NOTED_MAX:
            self.marks.append(MarkNote(name, self.now_ms))
        self._echo(self.playout.mark(name), cleared=False)

    def clear(self) -> None:
        dropped, names = self.playout.clear()
        self.counters.bytes_cleared += dropped
        if len(self.clears) < MARKS_NOTED_MAX:
            self.clears.append(ClearNote(self.now_ms, dropped * 1000 / ulaw.RATE_HZ))
        self._echo(names, cleared=True)

    def tick(self) -> None:
        """Let one frame pass in both directions."""
        now_ms = self.now_ms
        if self._tap is not None and self._frames > self._tapped_at:
            last = bytes(self.said[-ulaw.FRAME_SAMPLES :])
            self._tap.frame(last, (self._frames - 1 - self._tapped_at) * ulaw.FRAME_MS)
        self._echo(self.playout.due(), cleared=False)
        heard = self.playout.next_frame()
        played = None if heard == ulaw.SILENT_FRAME else ulaw.decode(heard)
        if played is not None:
            self.ear.hear(played, now_ms)
        act = self.actor.act(now_ms)
        sent = self.surroundings.around(act.pcm, played)
        self.heard += heard
        self.said += ulaw.SILENT_FRAME if sent is None else ulaw.encode(sent)
        if self.detector is not None:
            # By the person alone: a carrier's detector tells voices from a street, and echoes from voices.
            loud = act.pcm is not None and float(np.sqrt(np.mean(np.square(act.pcm, dtype=np.float64)))) >= VOICED_RMS
            verdict = self.detector.hear(now_ms, voiced=loud, beep=act.beeps)
            if verdict is not None:
                self.detector = None
                self.on_verdict(verdict, now_ms)
        if act.keys:
            self.keys.extend((now_ms, key) for key in act.keys)
            if self._tap is not None:
                self._tap.keys(act.keys)
        self._frames += 1
        self.counters.frames = self._frames
        if act.hangs_up and not self._left:
            self._left = True
            self.on_hang_up()

    def _echo(self, names: list[str], *, cleared: bool) -> None:
        if not names:
            return
        for name in names:
            waiting = next((note for note in self.marks if note.name == name and note.echoed_ms is None), None)
            if waiting is not None:
                waiting.echoed_ms = self.now_ms
                waiting.cleared = cleared
        if self._tap is not None:
            self._tap.marks(names)


async def run_line(line: Line) -> None:
    """Tick by the monotonic clock until cancelled. After a stall it catches up, as a phone network does."""
    clock = asyncio.get_running_loop().time
    began_s = clock()
    frame = 0
    while True:
        wait_s = began_s + frame * FRAME_S - clock()
        # Even when late the loop is given a chance, so that what has arrived in the meantime is taken in order.
        await asyncio.sleep(max(0.0, wait_s))
        late_ms = (clock() - began_s - frame * FRAME_S) * 1000
        line.counters.late_ms_max = max(line.counters.late_ms_max, late_ms)
        line.tick()
        frame += 1
