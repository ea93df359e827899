"""A call's audio in one place: the prospect's line, the agent's voice, the recording and the voice detector.

Frames pass through by plain calls; nothing here waits. One clock of the process calls `tick`. First form: one
prospect and one agent; further legs and mixing join here.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from media.activity.detector import Detector, Thresholds, VoiceSignal
from media.activity.silero import Silero
from media.codec import g711
from media.far_buffer import Packet
from media.frame import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS, ms_to_samples
from media.playout import Playout
from media.recording.recorder import Recorder
from media.timeline import Timeline

# Spans of one stretch of speech follow each other without a seam, though the clocks' mapping moves by less.
_SEAM_MS: Final = 30
_RECORD_EVERY_MS: Final = 100


class Line(Protocol):
    """The prospect's end: takes audio and never waits; what it cannot send it drops and counts."""

    dropped: int  # messages; read by metrics

    def play(self, ulaw: bytes, mark: str | None) -> None:
        """Send audio (none at times), and a mark behind it."""

    def clear(self) -> None: ...

    def close(self) -> None:
        """The call is over: nothing follows."""


class Ear(Protocol):
    """Whoever listens in this room, called on the loop; times are the timeline's."""

    def on_audio(self, pcm: bytes) -> None:
        """A frame of the prospect's audio: int16 samples, 8 kHz."""

    def on_voice(self, signal: VoiceSignal) -> None: ...

    def on_sent(self, at_ms: int) -> None:
        """The first packet of a reply is on the wire."""

    def on_playing(self, from_ms: int) -> None:
        """The carrier proved that the reply's first sample was played then."""

    def on_played_out(self) -> None: ...


class Ticker(Protocol):
    """The process's clock: calls its subscribers every 20 ms."""

    def subscribe(self, tick: Callable[[], None]) -> None: ...

    def unsubscribe(self, tick: Callable[[], None]) -> None: ...


class Room:
    """One call's audio. `now_ms` gives local monotonic milliseconds; the clock is used while the agent speaks.

    The agent's voice is recorded for good when it has been played, some 200 ms later: a `clear` takes nothing back.
    """

    def __init__(
        self,
        silero: Silero,
        recorder: Recorder | None,
        ear: Ear,
        now_ms: Callable[[], float],
        clock: Ticker | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self.timeline = Timeline()
        self.frames = 0  # read by metrics
        self.gaps = 0
        self._silero = silero.open(self._on_probability)
        self._detector = Detector(thresholds)
        self._playout = Playout()
        self._recorder = recorder
        self._ear = ear
        self._now_ms = now_ms
        self._clock = clock
        self._line: Line | None = None
        self._dropped = 0  # by lines that have left
        self._position = 0  # samples of the prospect's audio, by the carrier's stamps
        self._speaking = False
        self._proven = False
        self._recorded_to_ms = 0  # the agent's voice, on the timeline
        self._record_at_ms = 0.0  # when next

    # The prospect's side

    def join(self, line: Line) -> None:
        self._line = line

    @property
    def dropped(self) -> int:
        """How many messages the carrier did not take in time."""
        return self._dropped + (self._line.dropped if self._line is not None else 0)

    @property
    def underruns(self) -> int:
        """How often the agent fell silent in mid-reply because we were late."""
        return self._playout.underruns

    @property
    def dry(self) -> int:
        """How often the agent fell silent in mid-reply, also because its voice was not made in time."""
        return self._playout.far.dry

    def leave(self) -> None:
        if self._line is not None:
            self._line.close()
            self._dropped += self._line.dropped
        self._line = None
        self._silero.close()
        self._sleep()

    def heard(self, ulaw: bytes, at_ms: int) -> None:
        """Take a frame of the prospect's audio that begins at `at_ms`; late repeats of a place are dropped."""
        position = ms_to_samples(at_ms)
        if self.frames and position < self._position - FRAME_SAMPLES // 2:
            self.gaps += 1  # out of order: its place has passed
            return
        if abs(position - self._position) > FRAME_SAMPLES // 2:
            # Lost frames: keep to the carrier's clock.
            self.gaps += self.frames > 0
            self._position = position
            self._silero.skip_to(position)
        self.frames += 1
        pcm = g711.decode_frame(ulaw)
        self.timeline.observe(self._position // SAMPLES_PER_MS, self._now_ms())
        if self._recorder is not None:
            self._recorder.heard_from_prospect(self._position // SAMPLES_PER_MS, ulaw)
        self._position += len(ulaw)
        self._ear.on_audio(pcm)
        self._silero.feed(pcm)

    def marked(self, mark: str) -> None:
        """Take a mark that the carrier echoed."""
        now_ms = self._now_ms()
        # It came behind the frame that was heard last, and that one's stamp says when: our own stalls do not count.
        at_ms = min(now_ms, self.timeline.local(self._position / SAMPLES_PER_MS + FRAME_MS))
        began_ms = self._playout.marked(mark, at_ms)
        if began_ms is None:
            return
        if not self._proven:
            self._proven = True
            self._ear.on_playing(self.timeline.at(began_ms))
        self._record(now_ms)
        self._notice_end(now_ms)

    @property
    def now(self) -> int:
        """The timeline's present."""
        return self.timeline.at(self._now_ms())

    @property
    def voice_now(self) -> bool:
        """True while the prospect is speaking, as far as is known."""
        return self._detector.voice

    # The agent's side

    def begin_reply(self) -> None:
        self._playout.begin()
        self._proven = False
        self._wake()

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = ()) -> None:
        """Add speech to the reply, and where words end in the reply; it goes out at once as far as the lead allows."""
        self._playout.append(ulaw, word_ends_ms)
        self.tick()

    def complete_reply(self) -> None:
        self._playout.complete()
        self.tick()

    @property
    def reply_ms(self) -> int:
        return self._playout.duration_ms

    @property
    def unsent_ms(self) -> int:
        return self._playout.unsent_ms

    @property
    def heard_ms(self) -> int:
        """How much of the reply the prospect has heard."""
        return self._playout.heard_ms(self._now_ms())

    def pause(self) -> None:
        """Stop the agent's voice at once, here and at the carrier."""
        if self._playout.paused:
            return
        now_ms = self._now_ms()
        fade = self._playout.pause(now_ms)
        if self._line is not None:
            self._line.clear()
            if fade:
                self._line.play(fade, None)
        self._record(now_ms)
        self._sleep()

    def resume(self, from_ms: int) -> None:
        self._playout.resume(from_ms)
        self._wake()
        self.tick()

    def drop_reply(self) -> None:
        """Forget what of the reply was not heard."""
        self.pause()
        self._playout.drop()
        self._sleep()

    # The clock

    def tick(self) -> None:
        """Send what is due and notice the reply's end. Called every 20 ms while the agent speaks."""
        if not self._speaking:
            return
        now_ms = self._now_ms()
        packets = self._playout.due(now_ms)
        for packet in packets:
            self._send(packet, now_ms)
        if packets or now_ms >= self._record_at_ms:
            self._record(now_ms)
        self._notice_end(now_ms)

    def _wake(self) -> None:
        self._speaking = True
        if self._clock is not None:
            self._clock.subscribe(self.tick)

    def _sleep(self) -> None:
        self._speaking = False
        if self._clock is not None:
            self._clock.unsubscribe(self.tick)

    def _notice_end(self, now_ms: float) -> None:
        if self._speaking and self._playout.played_out(now_ms):
            self._record(now_ms)
            self._sleep()
            self._ear.on_played_out()

    def _send(self, packet: Packet, now_ms: float) -> None:
        if self._line is not None:
            self._line.play(packet.ulaw, packet.mark)
        if packet.offset == 0 and not self._proven:
            self._ear.on_sent(self.timeline.at(now_ms))

    def _record(self, now_ms: float) -> None:
        """Give the recorder what the prospect has heard since the last time."""
        self._record_at_ms = now_ms + _RECORD_EVERY_MS
        for span in self._playout.played(now_ms):
            if self._recorder is None:
                continue
            at_ms = self.timeline.at(span.starts_ms)
            if abs(at_ms - self._recorded_to_ms) < _SEAM_MS:
                at_ms = self._recorded_to_ms
            self._recorder.played_to_prospect(at_ms, span.ulaw)
            self._recorded_to_ms = at_ms + len(span.ulaw) // SAMPLES_PER_MS

    def _on_probability(self, probability: float, end_ms: int, rms: float) -> None:
        signal = self._detector.window(probability, end_ms, rms)
        self._silero.voice = self._detector.voice
        if signal is not None:
            self._ear.on_voice(signal)
