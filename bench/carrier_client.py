"""One simulated call as the carrier's end of a Media Streams socket, and what its prospect notices. Sans-I/O.

The prospect speaks for two seconds, waits for the answer, hears it out or interrupts it, rests, and speaks again.
All moments come from the client's own clock and play-out (bench/earpiece.py); nothing is taken from the server.
Times are seconds of a monotonic clock, given by the caller; `tick` is called each 20 ms and sends one frame.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from bench.carrier_stream import CarrierStream, parse
from bench.earpiece import Earpiece
from bench.utterance import SILENCE, Utterance
from media.frame import RATE_HZ

BARGE_EVERY: Final = 3  # turns
ANSWER_TIMEOUT_S: Final = 4.0  # less than a server's patience with a silent caller
WHOLE_SHARE: Final = 0.98  # of the answer's length: fades and trimmed silence are no loss
FADE_S: Final = 0.02  # sound so short behind a clear is the end of what was cut, not a new answer
BROKEN_OFF_S: Final = 0.5  # an answer that stays away for so long is over
AHEAD_AFTER_S: Final = (
    0.5  # of an answer: by then a server is as far ahead as it wants to be, and its pace can be looked at
)


class Phase(Enum):
    RESTING = auto()
    SPEAKING = auto()
    WAITING = auto()  # for the answer
    HEARING = auto()


@dataclass(slots=True)
class Tally:
    """What all prospects of a run notice; counts only while `open`."""

    open: bool = False
    response_ms: list[float] = field(default_factory=list)
    barge_in_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)  # how late our own frames leave
    pacing_jitter_ms: list[float] = field(default_factory=list)  # how far a packet came from when it was due
    ahead_ms: list[float] = field(default_factory=list)  # what was left to play when the next packet came
    mark_late_ms: list[float] = field(default_factory=list)  # how long after its sound had played a mark came
    underruns: int = 0  # an answer stopped in the middle and went on
    unanswered: int = 0  # no answer in time
    broken_off: int = 0  # an answer ended early and unasked
    early: int = 0  # the agent spoke into the prospect's speech
    unasked: int = 0  # the agent spoke again by itself
    unheard_barge_ins: int = 0  # an interruption that stopped nothing
    blocked_frames: int = 0  # not sent because the server does not read

    def count(self, name: str) -> None:
        if self.open:
            setattr(self, name, getattr(self, name) + 1)


class Caller:
    """One call. `send` takes a text message; `answer_s` is the length of a whole answer."""

    def __init__(
        self,
        number: int,
        utterance: Utterance,
        answer_s: float,
        tally: Tally,
        send: Callable[[bytes], None],
        unsent_bytes: Callable[[], int] = lambda: 0,
    ) -> None:
        self._number = number
        self._utterance = utterance
        self._answer_s = answer_s
        self._tally = tally
        self._stream = CarrierStream(number, send, unsent_bytes)
        self.stop = self._stream.stop
        self._earpiece = Earpiece()
        self._phase = Phase.RESTING
        self._until = 0.0  # end of the rest, or of the patience with a silent agent
        self._place = 0  # in the utterance
        self._turn = 0
        self._barging = False
        self._barge_from: float | None = None  # when our first voiced sample of an interruption left
        self._last_voiced = 0.0
        self._heard_s = 0.0  # sound of the answer so far
        self._next_due = 0.0  # when the packet after the last one is due, in real time
        self._barge_at: float | None = None
        self._cleared = False  # by the message before this one

    @property
    def phase(self) -> Phase:
        return self._phase

    def start(self, now: float) -> None:
        """Open the stream as the carrier does; the prospect speaks a moment later."""
        self._stream.start()
        self._until = now + 0.4

    # The clock

    def tick(self, now: float) -> None:
        """Send the next frame, echo the marks that are due, and move on."""
        for name in self._earpiece.due(now):
            self._stream.echo(name)
        match self._phase:
            case Phase.RESTING if now >= self._until:
                self._speak(barging=False)
            case Phase.WAITING if now >= self._until:
                self._tally.count("unanswered")
                self._rest(now)
            case Phase.HEARING:
                self._hear_on(now)
            case _:
                pass
        payload = SILENCE
        if self._phase is Phase.SPEAKING:
            payload = self._utterance.frames[self._place]
            self._spoke(now)
        if not self._stream.audio(payload):
            self._tally.count("blocked_frames")

    def _hear_on(self, now: float) -> None:
        if self._barge_at is not None and now >= self._barge_at:
            self._speak(barging=True)
        elif now > self._earpiece.free_at:
            if self._heard_s >= self._answer_s * WHOLE_SHARE:
                self._rest(now)
            elif now > self._earpiece.free_at + BROKEN_OFF_S:
                self._tally.count("broken_off")
                self._rest(now)

    def _speak(self, *, barging: bool) -> None:
        self._turn += 1
        self._place = 0
        self._barging = barging
        self._barge_from = None
        self._phase = Phase.SPEAKING

    def _spoke(self, now: float) -> None:
        if self._barging and self._place == self._utterance.first_voiced:
            self._barge_from = now
        self._place += 1
        if self._place < len(self._utterance.frames):
            return
        if self._barging:
            self._tally.count("unheard_barge_ins")
            self._barging = False
        self._last_voiced = now
        self._phase = Phase.WAITING
        self._until = now + ANSWER_TIMEOUT_S

    def _rest(self, now: float) -> None:
        self._phase = Phase.RESTING
        self._until = now + 0.4 + self._chance(600) / 1000

    def _chance(self, below: int) -> int:
        """A number that looks random and is the same in every run."""
        return (self._number * 7919 + self._turn * 104_729) % below

    # From the server

    def received(self, text: bytes, now: float) -> None:
        """Take a message of the server. Raises msgspec.DecodeError for what no server should send."""
        message = parse(text)
        after_clear, self._cleared = self._cleared, message.event == "clear"
        if message.event == "media" and message.media is not None:
            if after_clear and len(message.media.payload) <= FADE_S * RATE_HZ:
                self._earpiece.play(message.media.payload, now)
            else:
                self._heard(message.media.payload, now)
        elif message.event == "mark" and message.mark is not None:
            if self._phase is Phase.HEARING:
                self._note(self._tally.mark_late_ms, max(0.0, now - self._earpiece.free_at))
            self._earpiece.mark(message.mark.name, now)
        elif message.event == "clear":
            for name in self._earpiece.clear(now):
                self._stream.echo(name)
            if self._barging and self._barge_from is not None:
                self._note(self._tally.barge_in_ms, now - self._barge_from)
                self._barging = False

    def _heard(self, ulaw: bytes, now: float) -> None:
        if self._phase is Phase.HEARING and self._heard_s >= AHEAD_AFTER_S:
            self._note(self._tally.pacing_jitter_ms, abs(now - self._next_due))
            self._note(self._tally.ahead_ms, max(0.0, self._earpiece.free_at - now))
        self._next_due = now + len(ulaw) / RATE_HZ
        played = self._earpiece.play(ulaw, now)
        if not played.sound_s:
            return
        match self._phase:
            case Phase.WAITING:
                self._note(self._tally.response_ms, played.starts - self._last_voiced)
                self._heard_s = 0.0
                self._phase = Phase.HEARING
                barges = self._turn % BARGE_EVERY == 0
                self._barge_at = played.starts + 0.6 + self._chance(800) / 1000 if barges else None
            case Phase.HEARING:
                if played.gap_s > 0 and self._heard_s < self._answer_s * WHOLE_SHARE:
                    self._tally.count("underruns")
            case Phase.SPEAKING if not self._barging:
                self._tally.count("early")
            case Phase.RESTING:
                self._tally.count("unasked")
            case _:
                pass
        self._heard_s += played.sound_s

    def _note(self, values: list[float], seconds: float) -> None:
        if self._tally.open:
            values.append(seconds * 1000)
