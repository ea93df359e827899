"""`salesos bench micro`: what one operation of each stage of a frame's path costs, in µs.

Each stage is run in rounds on fresh objects; the median of the rounds is what it costs, the smallest what it can
cost on an undisturbed machine. Multiply by 50 for the cost of a call's second: a µs a frame is 0.00005 of a core.
"""

import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import msgspec
import numpy as np

from bench.utterance import SILENCE, Utterance
from events.ids import new_id
from media.activity.network import WINDOW, Network
from media.activity.silero import Silero
from media.codec import g711
from media.frame import FRAME_MS, FRAME_SAMPLES
from media.recording.recorder import Recorder
from media.recording.spool import Spool, new_meta
from media.room import Room
from telephony.twilio import messages

FRAMES: Final = 200  # of a round: four seconds of a call
BATCH: Final = 64
_STREAM: Final = f"MZ{0:032x}"
_PACKET: Final = b"\x00" * 480

Round = Callable[[], int]
"""What is timed; returns how many operations it did."""
T = TypeVar("T")


class Cost(msgspec.Struct, frozen=True):
    stage: str
    median_us: float
    min_us: float
    rounds: int


class _Nobody:
    """Implements `Ear` and `Line`: the room's own cost without a conversation or a socket."""

    def __init__(self) -> None:
        self.marks: list[str] = []
        self.packets = 0

    def on_audio(self, pcm: bytes) -> None: ...
    def on_voice(self, signal: object) -> None: ...
    def on_sent(self, at_ms: int) -> None: ...
    def on_playing(self, from_ms: int) -> None: ...
    def on_played_out(self) -> None: ...

    def play(self, ulaw: bytes, mark: str | None) -> None:
        self.packets += 1
        if mark is not None:
            self.marks.append(mark)

    def clear(self) -> None: ...
    def close(self) -> None: ...


def measure(utterance: Utterance, folder: Path, seconds: float) -> list[Cost]:
    """Return every stage's cost; each is measured for about `seconds`. Nothing is written into `folder`."""
    return [_cost(name, prepare, seconds) for name, prepare in _stages(utterance, folder).items()]


def table(costs: list[Cost]) -> str:
    lines = [f"{'stage':<44}{'median µs':>11}{'min µs':>9}"]
    lines += [f"{cost.stage:<44}{cost.median_us:>11.2f}{cost.min_us:>9.2f}" for cost in costs]
    return "\n".join(lines)


def _cost(name: str, prepare: Callable[[], Round], seconds: float) -> Cost:
    found: list[float] = []
    until = time.perf_counter() + seconds
    while not found or time.perf_counter() < until:
        work = prepare()
        started = time.perf_counter()
        operations = work()
        found.append((time.perf_counter() - started) / operations * 1e6)
    return Cost(name, round(median(found), 3), round(min(found), 3), len(found))


def _stages(utterance: Utterance, folder: Path) -> Mapping[str, Callable[[], Round]]:
    speech = list(islice(cycle([b64decode(frame) for frame in utterance.frames]), FRAMES))
    silence = [b64decode(SILENCE)] * FRAMES
    network = Network()
    silero = Silero(network, lambda _delay_s, _work: None)  # windows wait: the network is a stage of its own
    media = [_media_message(index, frame) for index, frame in enumerate(speech)]
    mark = messages.mark(_STREAM, "12:345").replace('"streamSid"', '"sequenceNumber":"7","streamSid"').encode()
    pcm = [g711.decode(frame) for frame in speech]
    return {
        "parse a media message": lambda: _each(messages.parse, media),
        "parse a mark": lambda: _each(messages.parse, [mark] * FRAMES),
        "decode a frame of µ-law": lambda: _each(g711.decode_frame, speech),
        "decode a frame of µ-law by numpy": lambda: _each(g711.decode, speech),
        "encode a frame of µ-law": lambda: _each(g711.encode, pcm),
        "voice activity takes a frame of silence": lambda: _feed(silero, silence),
        "voice activity takes a frame of speech": lambda: _feed(silero, speech),
        "network: a window alone": lambda: _infer(network, 1),
        f"network: a window in a batch of {BATCH}": lambda: _infer(network, BATCH),
        "room hears a frame of silence, recorded": lambda: _hear(silero, folder, silence),
        "room hears a frame of speech, recorded": lambda: _hear(silero, folder, speech),
        "room sends a packet, recorded": lambda: _say(silero, folder)[2],
        "room takes a mark": lambda: _take_marks(silero, folder),
        "build a media message of 60 ms": lambda: _each(lambda ulaw: messages.media(_STREAM, ulaw), [_PACKET] * FRAMES),
    }


def _each(work: Callable[[T], object], items: list[T]) -> Round:
    def run() -> int:
        for item in items:
            work(item)
        return len(items)

    return run


def _media_message(index: int, ulaw: bytes) -> str:
    sent = messages.media(_STREAM, ulaw)
    track = f'"media":{{"track":"inbound","chunk":"{index + 1}","timestamp":"{index * FRAME_MS}",'
    return sent.replace('"media":{', track, 1).replace('"event"', f'"sequenceNumber":"{index + 2}","event"', 1)


def _feed(silero: Silero, frames: list[bytes]) -> Round:
    stream = silero.open(lambda _probability, _end, _rms: None)
    return _each(stream.feed, [g711.decode_frame(frame) for frame in frames])


def _infer(network: Network, count: int) -> Round:
    windows = np.zeros((count, WINDOW), dtype=np.int16)
    slots = [network.claim() for _ in range(count)]

    def run() -> int:
        network.run(slots, windows)
        for slot in slots:
            network.release(slot)
        return count

    return run


def _room(silero: Silero, folder: Path, now_ms: Callable[[], float]) -> tuple[Room, _Nobody]:
    nobody = _Nobody()
    recorder = Recorder(Spool(folder, new_meta(new_id(), new_id())), muted=False)
    room = Room(silero, recorder, nobody, now_ms)
    room.join(nobody)
    return room, nobody


def _hear(silero: Silero, folder: Path, frames: list[bytes]) -> Round:
    room, _ = _room(silero, folder, lambda: time.monotonic() * 1000)

    def run() -> int:
        for index, frame in enumerate(frames):
            room.heard(frame, index * FRAME_MS)
        room.leave()
        return len(frames)

    return run


def _say(silero: Silero, folder: Path) -> tuple[Room, _Nobody, Round]:
    """A room with two seconds of speech to send, and the sending of it by the clock's ticks."""
    clock = [1_000.0]
    room, nobody = _room(silero, folder, lambda: clock[0])
    room.heard(b64decode(SILENCE), 0)
    room.begin_reply()
    room.append(b"\x00" * (100 * FRAME_SAMPLES))
    room.complete_reply()

    def run() -> int:
        before = nobody.packets
        for _ in range(100):
            clock[0] += FRAME_MS
            room.tick()
        return nobody.packets - before

    return room, nobody, run


def _take_marks(silero: Silero, folder: Path) -> Round:
    room, nobody, send = _say(silero, folder)
    send()
    return _each(room.marked, nobody.marks)
