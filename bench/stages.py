"""The stages of a frame's path, each as a round of work on fresh objects: what `salesos bench micro` times.

A stage is prepared outside of what is timed. Nothing of it touches a disk, a socket or a clock that is waited for.
"""

import asyncio
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from bench.utterance import SILENCE, Utterance
from events.ids import new_id
from media.activity.network import WINDOW, Network
from media.activity.silero import Silero
from media.agent_voice import Line
from media.codec import g711
from media.fade import amplify
from media.frame import FRAME_MS, FRAME_SAMPLES
from media.recording.recorder import Recorder
from media.recording.spool import Spool, new_meta
from media.room import Room
from telephony.call import signals
from telephony.stream_protocol import Taker
from telephony.twilio import messages
from telephony.twilio.leg import TwilioLeg

FRAMES: Final = 200  # of a round: four seconds of a call
BATCH: Final = 64
_STREAM: Final = f"MZ{0:032x}"
_PACKET: Final = b"\x00" * 480

Round = Callable[[], int]
"""What is timed; returns how many operations it did."""
T = TypeVar("T")


class _Nobody:
    """Implements `Ear` and `Line`: the room's own cost without a conversation or a socket."""

    def __init__(self) -> None:
        self.marks: list[str] = []
        self.packets = 0
        self.dropped = 0

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None: ...
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


class _Socket:
    """Implements `Stream` and `StreamCall`: a stream that writes nowhere, and a call that is a room."""

    blocked = False

    def __init__(self, room: Room) -> None:
        self.room = room

    def take(self, taker: Taker) -> None: ...
    def say(self, text: str) -> None: ...

    def take_stream(self, line: Line) -> bool:
        return True

    def put(self, signal: signals.CallSignal) -> None: ...


class Inputs:
    """What the stages work on, made once."""

    def __init__(self, utterance: Utterance, folder: Path) -> None:
        """`folder` is named in recordings; nothing is written into it."""
        self.folder = folder
        self.speech = list(islice(cycle([b64decode(frame) for frame in utterance.frames]), FRAMES))
        self.silence = [b64decode(SILENCE)] * FRAMES
        self.media = [_media_message(index, frame) for index, frame in enumerate(self.speech)]
        self.pcm = [g711.decode(frame) for frame in self.speech]
        self.network = Network()
        # Windows wait: the network is a stage of its own.
        self.silero = Silero(self.network, lambda _delay_s, _work: None)


STAGES: Final[Mapping[str, Callable[[Inputs], Round]]] = {
    "parse a media message": lambda inputs: _each(messages.parse, inputs.media),
    "parse a mark": lambda _inputs: _each(messages.parse, [_mark_message()] * FRAMES),
    "decode a frame of µ-law": lambda inputs: _each(g711.decode_frame, inputs.speech),
    "decode a frame of µ-law by numpy": lambda inputs: _each(g711.decode, inputs.speech),
    "encode a frame of µ-law": lambda inputs: _each(g711.encode, inputs.pcm),
    "level a frame of µ-law": lambda inputs: _each(lambda ulaw: amplify(ulaw, 3), inputs.speech),
    "voice activity takes a frame of silence": lambda inputs: _feed(inputs, inputs.silence),
    "voice activity takes a frame of speech": lambda inputs: _feed(inputs, inputs.speech),
    "network: a window alone": lambda inputs: _infer(inputs.network, 1),
    f"network: a window in a batch of {BATCH}": lambda inputs: _infer(inputs.network, BATCH),
    "room hears a frame of silence, recorded": lambda inputs: _hear(inputs, inputs.silence),
    "room hears a frame of speech, recorded": lambda inputs: _hear(inputs, inputs.speech),
    "leg takes a message of speech, all of it": lambda inputs: _take_messages(inputs),
    "room sends a packet, recorded": lambda inputs: _say(inputs)[2],
    "room takes a mark": lambda inputs: _take_marks(inputs),
    "build a media message of 60 ms": lambda _inputs: _each(
        lambda ulaw: messages.media(_STREAM, ulaw), [_PACKET] * FRAMES
    ),
}


def _each(work: Callable[[T], object], items: list[T]) -> Round:
    def run() -> int:
        for item in items:
            work(item)
        return len(items)

    return run


def _media_message(index: int, ulaw: bytes) -> bytes:
    sent = messages.media(_STREAM, ulaw)
    track = f'"media":{{"track":"inbound","chunk":"{index + 1}","timestamp":"{index * FRAME_MS}",'
    sent = sent.replace('"media":{', track, 1)
    return sent.replace('"event"', f'"sequenceNumber":"{index + 2}","event"', 1).encode()


def _mark_message() -> bytes:
    return messages.mark(_STREAM, "12:345").replace('"streamSid"', '"sequenceNumber":"7","streamSid"').encode()


def _feed(inputs: Inputs, frames: list[bytes]) -> Round:
    stream = inputs.silero.open(lambda _probability, _end, _rms: None)
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


def _room(inputs: Inputs, now_ms: Callable[[], float]) -> tuple[Room, _Nobody]:
    nobody = _Nobody()
    recorder = Recorder(Spool(inputs.folder, new_meta(new_id(), new_id())), muted=False)
    room = Room(inputs.silero, recorder, nobody, now_ms)
    room.join(nobody)
    return room, nobody


def _hear(inputs: Inputs, frames: list[bytes]) -> Round:
    room, _ = _room(inputs, lambda: time.monotonic() * 1000)

    def run() -> int:
        for index, frame in enumerate(frames):
            room.heard(frame, index * FRAME_MS)
        room.leave()
        return len(frames)

    return run


def _take_messages(inputs: Inputs) -> Round:
    """All that a message costs from the socket's hand-off: parsed, decoded, measured, recorded."""
    room, _ = _room(inputs, lambda: time.monotonic() * 1000)
    leg = asyncio.run(_leg(_Socket(room)))

    def run() -> int:
        for message in inputs.media:
            leg.received(message)
        room.leave()
        return len(inputs.media)

    return run


async def _leg(socket: _Socket) -> TwilioLeg:
    """A leg whose stream has started. It wants a loop for what it waits for, which is none of this."""
    leg = TwilioLeg(socket, socket)
    leg.received(
        f'{{"event":"start","sequenceNumber":"1","start":{{"accountSid":"AC{0:032x}","streamSid":"{_STREAM}",'
        f'"callSid":"CA{0:032x}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,'
        f'"channels":1}},"customParameters":{{}}}},"streamSid":"{_STREAM}"}}'.encode()
    )
    return leg


def _say(inputs: Inputs) -> tuple[Room, _Nobody, Round]:
    """A room with two seconds of speech to send, and the sending of it by the clock's ticks."""
    clock = [1_000.0]
    room, nobody = _room(inputs, lambda: clock[0])
    room.heard(b64decode(SILENCE), 0)
    room.voice.begin_reply()
    room.voice.append(b"\x00" * (100 * FRAME_SAMPLES))
    room.voice.complete_reply()

    def run() -> int:
        before = nobody.packets
        for _ in range(100):
            clock[0] += FRAME_MS
            room.voice.tick()
        return nobody.packets - before

    return room, nobody, run


def _take_marks(inputs: Inputs) -> Round:
    room, nobody, send = _say(inputs)
    send()
    return _each(room.marked, nobody.marks)
