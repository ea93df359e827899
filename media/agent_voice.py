"""The agent's voice in a room: the reply on its way to the prospect, what of it was heard, and its recording.

Plain calls; nothing here waits. Alone with the prospect it sends packets ahead of real time. While a room is mixed
(media/conference.py) it is asked for a frame at a time instead.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from media.far_buffer import FarBuffer, Packet
from media.frame import FRAME_MS, SAMPLES_PER_MS
from media.level import Leveller
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


class SpeechEar(Protocol):
    """Who is told how the agent's speech fares; times are the timeline's."""

    def on_sent(self, at_ms: int) -> None:
        """The first packet of a reply is on the wire."""

    def on_playing(self, from_ms: int) -> None:
        """The carrier proved that the reply's first sample was played then."""

    def on_played_out(self) -> None: ...


class Ticker(Protocol):
    """The process's clock: calls its subscribers every 20 ms."""

    def subscribe(self, tick: Callable[[], None]) -> None: ...

    def unsubscribe(self, tick: Callable[[], None]) -> None: ...


class AgentVoice:
    """One call's outgoing speech. The clock is used only while there is a reply under way.

    It is recorded for good when it has been played, up to 180 ms later: a `clear` takes nothing back.
    """

    def __init__(
        self,
        timeline: Timeline,
        recorder: Recorder | None,
        ear: SpeechEar,
        now_ms: Callable[[], float],
        clock: Ticker | None,
        leveller: Leveller | None,
    ) -> None:
        self.line: Line | None = None
        self._timeline = timeline
        self._recorder = recorder
        self._ear = ear
        self._now_ms = now_ms
        self._clock = clock
        self._leveller = leveller
        self._playout = Playout()
        self._dropped = 0  # by lines that have left
        self._speaking = False
        self.mixed = False  # a frame at a time is asked for
        self.on_mixed: Callable[[bytes], None] = lambda _ulaw: None  # is told of each frame that is sent so
        self._proven = False
        self._recorded_to_ms = 0  # on the timeline
        self._record_at_ms = 0.0  # when next

    # The reply

    def begin_reply(self) -> None:
        self._record(self._now_ms())
        self._playout.begin()
        self._proven = False
        self._wake()

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None:
        """Add speech to the reply, and where words end in the reply; it goes out at once as far as the lead allows."""
        if self._leveller is not None and leveled:
            ulaw = self._leveller.push(ulaw)
        self._playout.append(ulaw, word_ends_ms)
        self.tick()

    def take_back(self, to_ms: int) -> None:
        """Forget what of the reply lies behind `to_ms` and was not sent: its voice broke off within a word."""
        self._playout.append(b"", behind_ms=to_ms)

    def complete_reply(self) -> None:
        self._playout.complete()
        self.tick()

    def pause(self) -> None:
        """Stop at once, here and at the carrier."""
        if self._playout.paused:
            return
        now_ms = self._now_ms()
        if self.mixed:
            self._playout.pause(now_ms, clears=False)
            return
        fade = self._playout.pause(now_ms)
        if self.line is not None:
            self.line.clear()
            if fade:
                self.line.play(fade, None)
        self._record(now_ms)
        self._sleep()

    def resume(self, from_ms: int) -> None:
        """Go on from `from_ms` of the reply."""
        self._playout.resume(from_ms)
        self._wake()
        self.tick()

    def drop_reply(self) -> None:
        """Forget what of the reply was not heard."""
        self.pause()
        self._playout.drop()
        self._sleep()

    @property
    def now(self) -> int:
        """The timeline's present."""
        return self._timeline.at(self._now_ms())

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

    @property
    def dropped(self) -> int:
        """How many messages the carrier did not take in time."""
        return self._dropped + (self.line.dropped if self.line is not None else 0)

    @property
    def underruns(self) -> int:
        """Times that the carrier ran dry though there was speech: we stood still too long."""
        return self._playout.underruns

    # The line

    def marked(self, mark: str, at_ms: float) -> None:
        """Take a mark whose echo came at `at_ms`, local time."""
        began_ms = self._playout.marked(mark, at_ms)
        if began_ms is None:
            return
        if not self._proven:
            self._proven = True
            self._ear.on_playing(self._timeline.at(began_ms))
        now_ms = self._now_ms()
        self._record(now_ms)
        self._notice_end(now_ms)

    def tick(self) -> None:
        """Send what is due and notice the reply's end. Called every 20 ms while there is a reply."""
        if not self._speaking:
            return
        now_ms = self._now_ms()
        packets = () if self.mixed else self._playout.due(now_ms)
        for packet in packets:
            self._send(packet, now_ms)
        if packets or now_ms >= self._record_at_ms:
            self._record(now_ms)
        self._notice_end(now_ms)

    # Mixed with others

    def set_mixed(self, mixed: bool) -> None:
        """Have frames asked for, from what has been heard on; or send packets ahead again."""
        if mixed == self.mixed:
            return
        if mixed and self._speaking and not self._playout.paused:
            now_ms = self._now_ms()
            self._playout.pause(now_ms, fades=False)  # the mix goes on with the very next sample
            if self.line is not None:
                self.line.clear()
            self._record(now_ms)
            self._playout.resume(self._playout.heard_ms(now_ms))
        self.mixed = mixed
        self.tick()

    @property
    def frame(self) -> bytes:
        """Return the next 20 ms of the reply to mix; less at its end, nothing between replies."""
        return self._playout.frame if self._speaking else b""

    def send_mixed(self, ulaw: bytes, own: int) -> None:
        """Send 20 ms that hold the next `own` samples of the reply."""
        now_ms = self._now_ms()
        self.on_mixed(ulaw)
        self._send(self._playout.send_mixed(ulaw, own, now_ms), now_ms, opens=own > 0)
        if now_ms >= self._record_at_ms:
            self._record(now_ms)

    @property
    def far(self) -> FarBuffer:
        """What the carrier holds, for who listens in and for what comes back of it."""
        return self._playout.far

    @property
    def paused(self) -> bool:
        """True between `pause` and `resume` or the end of the reply."""
        return self._playout.paused

    @property
    def wants_frame(self) -> bool:
        """True when the carrier has less than a frame left to play."""
        return self._playout.far.ahead_ms(self._now_ms()) < FRAME_MS

    def close(self) -> None:
        """The call is over."""
        if self.line is not None:
            self.line.close()
            self._dropped += self.line.dropped
        self.line = None
        self._sleep()

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

    def _send(self, packet: Packet, now_ms: float, *, opens: bool = True) -> None:
        if self.line is not None:
            self.line.play(packet.ulaw, packet.mark)
        if packet.offset == 0 and opens and not self._proven:
            self._ear.on_sent(self._timeline.at(now_ms))

    def _record(self, now_ms: float) -> None:
        """Give the recorder what the prospect has heard since the last time."""
        self._record_at_ms = now_ms + _RECORD_EVERY_MS
        for span in self._playout.played(now_ms):
            if self._recorder is None:
                continue
            at_ms = self._timeline.at(span.starts_ms)
            if abs(at_ms - self._recorded_to_ms) < _SEAM_MS:
                at_ms = self._recorded_to_ms
            self._recorder.played_to_prospect(at_ms, span.ulaw)
            self._recorded_to_ms = at_ms + len(span.ulaw) // SAMPLES_PER_MS
