"""A room, its carrier and its clock, millisecond by millisecond."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from events.ids import new_id
from media.activity.detector import VoiceSignal
from media.activity.silero import Silero
from media.codec.g711 import ULAW_SILENCE, Samples
from media.far_buffer import Packet
from media.jitter import Quality
from media.recording.blocks import AGENT, PERSON
from media.recording.recorder import Note, Recorder
from media.recording.spool import Spool, new_meta
from media.room import Room
from tests.media.far_line import FarLine

SILENCE = ULAW_SILENCE * 160
# Each place of it is recognised again; loud codes only, so that nothing in it is silence.
SPEECH = bytes(code for code in np.random.default_rng(5).bytes(200_000) if code & 0x7F < 0x50)


class Outlet:
    """A person's headphones."""

    def __init__(self, rate_hz: int = 8_000) -> None:
        self.rate_hz = rate_hz
        self.heard: list[Samples] = []

    def hear(self, pcm: Samples) -> None:
        self.heard.append(pcm)

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.heard) if self.heard else np.zeros(0, dtype=np.int16)


class Told:
    """Implements `Ear`: keeps what it is told."""

    def __init__(self) -> None:
        self.agent_heard: list[bytes] = []
        self.signals: list[VoiceSignal] = []
        self.sent_at: list[int] = []
        self.playing_from: list[int] = []
        self.played_out = 0

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None:
        self.agent_heard.append(pcm)

    def on_voice(self, signal: VoiceSignal) -> None:
        self.signals.append(signal)

    def on_sent(self, at_ms: int) -> None:
        self.sent_at.append(at_ms)

    def on_playing(self, from_ms: int) -> None:
        self.playing_from.append(from_ms)

    def on_played_out(self) -> None:
        self.played_out += 1


class Call:
    """Implements `Line` and `Ticker`."""

    def __init__(self, *, there_ms: int = 0, back_ms: int = 0, music: bytes = b"", recorded: bool = True) -> None:
        self.now = 0
        self.dropped = 0
        self.far = FarLine(there_ms, back_ms)
        recorder = Recorder(Spool(Path("nowhere"), new_meta(new_id(), new_id())), muted=False) if recorded else None
        self.recorder = recorder
        self.qualities: list[tuple[str, Quality]] = []
        self.subscribers: dict[Callable[[], None], None] = {}
        self.told = Told()
        self.clears = 0
        self.prospect = b""  # what the prospect says from now on; silence after it
        self.each_frame: Callable[[], None] = lambda: None
        self._stamps: list[tuple[int, int, bytes]] = []  # (arrives, stamp, frame)
        self._frozen_until = 0
        self.room = Room(
            Silero(later=lambda _delay_s, _work: None),  # what the voice detector finds is not tested here
            recorder,
            self.told,
            lambda: float(self.now),
            self,
            on_quality=lambda leg, quality: self.qualities.append((leg, quality)),
            music=music,
        )
        self.room.join(self)
        self.voice = self.room.voice
        self.live(200)

    def say(self, ms: int, from_ms: int = 0) -> bytes:
        """Let the agent say something; returns the audio."""
        speech = SPEECH[from_ms * 8 : (from_ms + ms) * 8]
        self.voice.begin_reply()
        self.voice.append(speech)
        self.voice.complete_reply()
        return speech

    def live(self, ms: int) -> None:
        until = self.now + ms
        while self.now < until:
            self.far.step(self.now)
            if self.now % 20 == 0 and self.now:
                frame, self.prospect = self.prospect[:160].ljust(160, b"\xff"), self.prospect[160:]
                self._stamps.append((self.now + self.far.back_ms, self.now - 20, frame))
            if self.now >= self._frozen_until:
                self._serve()
            self.now += 1

    def stall(self, ms: int) -> None:
        """The loop stands still: nothing is taken and nothing ticks."""
        self._frozen_until = self.now + ms
        self.live(ms)

    def notes(self, channel: int) -> bytes:
        """One channel as recorded since the last time, from 0 on."""
        assert self.recorder is not None
        track = bytearray()
        for of_channel, at_ms, ulaw in self._kept():
            if of_channel == channel:
                track += ULAW_SILENCE * (at_ms * 8 + len(ulaw) - len(track))
                track[at_ms * 8 : at_ms * 8 + len(ulaw)] = ulaw
        return bytes(track)

    def agent_track(self) -> bytes:
        return self.notes(AGENT)

    def person_track(self) -> bytes:
        return self.notes(PERSON)

    def _kept(self) -> list[Note]:
        assert self.recorder is not None
        self._all = [*getattr(self, "_all", []), *self.recorder.take()]
        return self._all

    def _serve(self) -> None:
        # One socket: frames and marks come in their order.
        arrived = [(at, 0, stamp, frame, "") for at, stamp, frame in self._stamps if at <= self.now]
        self._stamps = [one for one in self._stamps if one[0] > self.now]
        arrived += [(at, 1, 0, b"", name) for at, name in self.far.arrived(self.now)]
        for _, _, stamp, frame, name in sorted(arrived):
            if frame:
                self.room.heard(frame, stamp)
            else:
                self.room.marked(name)
        if self.now % 20 == 0:
            self.each_frame()
            for tick in tuple(self.subscribers):
                tick()

    # Line

    def play(self, ulaw: bytes, mark: str | None) -> None:
        self.far.send(Packet(ulaw, mark, 0, 0.0), self.now)

    def clear(self) -> None:
        self.clears += 1
        self.far.clear(self.now)

    def close(self) -> None: ...

    # Ticker

    def subscribe(self, tick: Callable[[], None]) -> None:
        self.subscribers[tick] = None

    def unsubscribe(self, tick: Callable[[], None]) -> None:
        self.subscribers.pop(tick, None)
