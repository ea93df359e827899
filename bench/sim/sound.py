"""The prospect's sound as the voice process gets it: stretches of voice, handed to the product's own detector.

There are no samples in it. A frame carries its place on the timeline instead of audio, so that whoever is given frames
(a recogniser, the judge of turns) knows which stretch of the prospect's speech it has heard; windows of the voice
activity are made from the stretches. While the prospect is silent and the detector has nothing to decide, nothing runs.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass

from bench.sim.record import Span
from media.activity.detector import WINDOW_MS
from media.activity.silero import OnProbability
from media.frame import FRAME_MS, FRAME_SAMPLES
from media.room import Room

_BATCH_MS = 5.0  # the network's, and what the collecting of a batch takes
_CATCH_UP_MS = 600  # more silence than anybody keeps from before a voice
_HEAD = struct.Struct("<I")
# Syllables rise and fall: what is as even as a tone for seconds is a crowd in the background (media/activity).
_VOICED_RMS = (0.02, 0.09, 0.14, 0.06, 0.03, 0.12, 0.1, 0.05)
_SILENT_RMS = 0.0005
_REST = bytes(2 * FRAME_SAMPLES - _HEAD.size)
_REST_ULAW = bytes(FRAME_SAMPLES - _HEAD.size)


def place_of(frame: bytes) -> int:
    """Return where on the timeline a frame begins, in ms."""
    place: int = _HEAD.unpack_from(frame)[0]
    return place


class SegmentRoom(Room):
    """A room whose frames carry no sound. It inherits because all but the two ends of it is the product's."""

    def marked(self, mark: str) -> None:
        self.voice.marked(mark, self._now_ms())

    def begin(self) -> None:
        """The first frame has come: the timeline begins."""
        self.timeline.observe(0, self._now_ms())

    def pass_frame(self, place_ms: int) -> None:
        head = _HEAD.pack(place_ms)
        self.frames += 1
        self._ear.on_audio(head + _REST, head + _REST_ULAW)


@dataclass(slots=True)
class _Stretch:
    start_ms: float
    end_ms: float


class Hearing:
    """Stands where the voice activity's network is: opened by the room, it gives the probability of each window."""

    def __init__(self, trip_ms: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._trip_ms = trip_ms
        self._stretches: list[_Stretch] = []  # on the timeline, rising
        self._began_ms = 0.0  # the timeline's start, at the prospect's mouth
        self._window_end = 0
        self._delivered_ms = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._on_probability: OnProbability = lambda probability, end_ms, rms: None
        self._pass_frame: Callable[[int], None] = lambda place_ms: None
        self.voice = False  # set by the room

    # As the room knows it

    def open(self, on_probability: OnProbability) -> "Hearing":
        self._on_probability = on_probability
        return self

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    # The world's side

    def begin(self, began_ms: float, pass_frame: Callable[[int], None]) -> None:
        """The stream's first frame begins at `began_ms` at the prospect's mouth, and is here now."""
        self._began_ms = began_ms
        self._pass_frame = pass_frame

    def place(self, at_ms: float) -> float:
        """Return a moment's place on the timeline."""
        return at_ms - self._began_ms

    def sound(self, span: Span) -> None:
        """The prospect is going to sound from then to then, at the mouth."""
        self._stretches.append(_Stretch(self.place(span.start_ms), self.place(span.end_ms)))
        self._wake()

    def cut(self, at_ms: float) -> None:
        """The prospect falls silent at that moment, whatever was going to be said."""
        place = self.place(at_ms)
        for stretch in self._stretches:
            stretch.end_ms = min(stretch.end_ms, max(stretch.start_ms, place))

    def _wake(self) -> None:
        if self._timer is None and not self._closed:
            now = self.place(self._loop.time() * 1_000 - self._trip_ms)
            self._window_end = max(self._window_end, int(now // WINDOW_MS) * WINDOW_MS) + WINDOW_MS
            self._schedule()

    def _schedule(self) -> None:
        at_ms = self._began_ms + self._window_end + self._trip_ms + _BATCH_MS
        self._timer = self._loop.call_at(at_ms / 1_000, self._window)

    def _window(self) -> None:
        self._timer = None
        if self._closed:
            return
        end = self._window_end
        self._deliver(end)
        start = end - WINDOW_MS
        voiced = sum(max(0.0, min(one.end_ms, end) - max(one.start_ms, start)) for one in self._stretches)
        loud = voiced * 2 >= WINDOW_MS
        self._on_probability(1.0 if loud else 0.0, end, self._loudness(end) if loud else _SILENT_RMS)
        self._stretches = [one for one in self._stretches if one.end_ms > end]
        if (self._stretches or self.voice or voiced) and not self._closed:
            self._window_end += WINDOW_MS
            self._schedule()

    def _loudness(self, end_ms: int) -> float:
        return _VOICED_RMS[end_ms // WINDOW_MS % len(_VOICED_RMS)]

    def _deliver(self, until_ms: int) -> None:
        self._delivered_ms = max(self._delivered_ms, (until_ms - _CATCH_UP_MS) // FRAME_MS * FRAME_MS)
        while self._delivered_ms + FRAME_MS <= until_ms:
            self._pass_frame(self._delivered_ms)
            self._delivered_ms += FRAME_MS
