"""A call's audio in one place: the prospect's line, the agent's voice, the recording and the voice detector.

Frames pass through by plain calls; nothing here waits. With the prospect and the agent alone that is all; people who
join, and hold, are media/conference.py's, which a plain call never makes.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from media.activity.detector import Detector, Thresholds, VoiceSignal
from media.activity.silero import Silero
from media.agent_voice import AgentVoice, Line, SpeechEar, Ticker
from media.codec import g711
from media.conference import Conference
from media.frame import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS, ms_to_samples
from media.jitter import Quality, QualityWatch
from media.level import Leveller
from media.recording.recorder import Recorder
from media.sent_sound import SentSound
from media.timeline import Timeline

PROSPECT_LEG: Final = "prospect"
_REPORT_FRAMES: Final = 50


class Ear(SpeechEar, Protocol):
    """Whoever listens in this room, called on the loop; times are the timeline's."""

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None:
        """A frame of the prospect's audio, in both forms: int16 samples, and µ-law as it came; 8 kHz."""

    def on_voice(self, signal: VoiceSignal) -> None: ...


class Room:
    """One call's audio. `now_ms` gives local monotonic milliseconds."""

    def __init__(
        self,
        silero: Silero,
        recorder: Recorder | None,
        ear: Ear,
        now_ms: Callable[[], float],
        clock: Ticker | None = None,
        *,
        thresholds: Thresholds | None = None,
        leveller: Leveller | None = None,
        on_quality: Callable[[str, Quality], None] = lambda _leg, _quality: None,
        music: bytes = b"",
    ) -> None:
        """`on_quality` is told when a leg's connection became unstable, and when it is stable again."""
        self.timeline = Timeline()
        self.frames = 0  # read by metrics
        self.gaps = 0
        self.voice = AgentVoice(self.timeline, recorder, ear, now_ms, clock, leveller)
        self._sent = SentSound(self.voice, now_ms)
        self._silero = silero.open(self._on_probability)
        self._detector = Detector(thresholds)
        self._recorder = recorder
        self._ear = ear
        self._now_ms = now_ms
        self._position = 0  # samples of the prospect's audio, by the carrier's stamps
        self._watch = QualityWatch(lambda quality: on_quality(PROSPECT_LEG, quality))
        self._gaps_reported = 0
        self._conference: Conference | None = None
        self.tap: Callable[[bytes, bytes], None] | None = None  # whoever listens in: 20 ms of both sides, µ-law
        self.taps_shed = False  # the process has no time for them
        self._new_conference = partial(Conference, self.voice, recorder, now_ms, clock, on_quality, music)

    # The prospect's side

    def join(self, line: Line) -> None:
        self.voice.line = line

    @property
    def dropped(self) -> int:
        """How many messages the carrier did not take in time."""
        return self.voice.dropped

    @property
    def underruns(self) -> int:
        """How often the agent fell silent in mid-reply because we were late."""
        return self.voice.underruns

    @property
    def dry(self) -> int:
        """How often the agent fell silent in mid-reply, also because its voice was not made in time."""
        return self.voice.far.dry

    def leave(self) -> None:
        if self._conference is not None:
            self._conference.close()
        self.voice.close()
        self._silero.close()

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
        if self._conference is not None:
            pcm, ulaw = self._with_others(ulaw, pcm)
        self._ear.on_audio(pcm, ulaw)
        if self.tap is not None:
            self.tap(ulaw, self._sent.next())
        self._silero.feed(pcm)
        if self.frames % _REPORT_FRAMES == 0:
            self._report()

    def marked(self, mark: str) -> None:
        """Take a mark that the carrier echoed."""
        now_ms = self._now_ms()
        # It came behind the frame that was heard last, and that one's stamp says when: our own stalls do not count.
        at_ms = min(now_ms, self.timeline.local(self._position / SAMPLES_PER_MS + FRAME_MS))
        self.voice.marked(mark, at_ms)

    @property
    def now(self) -> int:
        """The timeline's present."""
        return self.timeline.at(self._now_ms())

    @property
    def voice_now(self) -> bool:
        """True while the prospect is speaking, as far as is known."""
        return self._detector.voice

    @property
    def voice_begins(self) -> bool:
        """True while the prospect may be about to speak, or to speak on: it is known within some 100 ms."""
        return self._detector.begins

    @property
    def hush_rms(self) -> float:
        """Below this loudness the prospect, who has the word, is quiet: known sooner, and less surely, than a pause."""
        return self._detector.hush_rms

    def sounding(self) -> bytes:
        """Return the 20 ms that the prospect hears of us with the frame that came last, µ-law; nothing in silence."""
        # By the frame's stamp, not by when it came: with the network's jitter in it, a wave would be torn to pieces.
        until_ms = self.timeline.local(self._position / SAMPLES_PER_MS)
        if self.voice.far.overdue_ms(self._now_ms()) > FRAME_MS:
            return b""
        return self.voice.far.sound(until_ms - FRAME_MS, FRAME_SAMPLES)

    def end_voice(self) -> None:
        """The prospect's turn is over, whatever follows: the next sound of theirs begins another."""
        self._detector.end()
        self._silero.voice = False

    # People beside the prospect

    @property
    def others(self) -> Conference:
        """Those who join, and hold. Asked for by who lets somebody in: a plain call has none."""
        if self._conference is None:
            self._conference = self._new_conference()
            self._conference.shed_taps(self.taps_shed)
        return self._conference

    def shed_taps(self, shed: bool) -> None:
        """Let live listeners hear nothing for now, or again: the process has no time for them."""
        self.taps_shed = shed
        if self._conference is not None:
            self._conference.shed_taps(shed)

    def _with_others(self, ulaw: bytes, pcm: bytes) -> tuple[bytes, bytes]:
        """Let the others hear a frame; returns what the agent hears of it: silence while the prospect is on hold."""
        assert self._conference is not None
        self._conference.prospect_spoke(ulaw, (self._position - len(ulaw)) // SAMPLES_PER_MS)
        if self._conference.held:
            return bytes(len(pcm)), g711.ULAW_SILENCE * len(ulaw)
        return pcm, ulaw

    def _report(self) -> None:
        gaps, self._gaps_reported = self.gaps - self._gaps_reported, self.gaps
        self._watch.report(self.timeline.jitter_ms, gaps, gaps + _REPORT_FRAMES)

    def _on_probability(self, probability: float, end_ms: int, rms: float) -> None:
        signal = self._detector.window(probability, end_ms, rms)
        self._silero.voice = self._detector.voice
        if signal is not None:
            self._ear.on_voice(signal)
