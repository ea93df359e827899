"""The line's tick: both directions, marks and clear as the stream sees them, the call's own record."""

from dataclasses import dataclass, field

import numpy as np

from telephony.carrier import clip, ulaw
from telephony.carrier.actor import Actor, Cue, Part
from telephony.carrier.amd import AmdRules, Detector, Verdict
from telephony.carrier.clip import Kind
from telephony.carrier.ear import Ear
from telephony.carrier.line import Line
from telephony.carrier.persona import When

HELLO = clip.clip_of(Kind.SAY, "hello", np.full(800, 5_000, np.int16))
SOUND = ulaw.encode(np.full(160, 3_000, np.int16))


@dataclass
class Tape:
    """A tap that keeps what it gets."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    pressed: str = ""
    echoed: list[str] = field(default_factory=list)

    def frame(self, sound: bytes, at_ms: int) -> None:
        self.frames.append((at_ms, sound))

    def keys(self, keys: str) -> None:
        self.pressed += keys

    def marks(self, names: list[str]) -> None:
        self.echoed += names


@dataclass
class Happened:
    hang_ups: int = 0
    verdicts: list[tuple[Verdict, float]] = field(default_factory=list)

    def hung_up(self) -> None:
        self.hang_ups += 1

    def judged(self, verdict: Verdict, at_ms: float) -> None:
        self.verdicts.append((verdict, at_ms))


def line_of(part: Part, happened: Happened | None = None, detector: Detector | None = None) -> Line:
    happened = happened or Happened()
    ear = Ear()
    return Line(Actor(part, ear), ear, happened.hung_up, happened.judged, detector)


def test_frames_are_passed_on_when_they_are_over_from_the_next_one() -> None:
    line, tape = line_of(Part([Cue(When.ANSWERED, 60, 300, HELLO)])), Tape()
    line.tick()
    line.attach(tape)
    for _ in range(4):
        line.tick()
    assert [at_ms for at_ms, _ in tape.frames] == [0, 20, 40]
    assert line.zero_ms == 20
    # The word begins in the line's fourth frame, which is 40 ms on the stream's clock.
    assert [sound == ulaw.SILENT_FRAME for _, sound in tape.frames] == [True, True, False]


def test_what_is_played_is_what_was_heard() -> None:
    line = line_of(Part())
    line.tick()
    line.put(SOUND + SOUND[:80])
    for _ in range(3):
        line.tick()
    assert bytes(line.heard) == ulaw.SILENT_FRAME + SOUND + SOUND[:80] + ulaw.SILENCE * 80 + ulaw.SILENT_FRAME
    assert [(burst.started_ms, burst.ended_ms) for burst in line.ear.bursts] == [(20, 50)]


def test_marks_are_echoed_when_played_and_at_once_on_an_empty_line() -> None:
    line, tape = line_of(Part()), Tape()
    line.attach(tape)
    line.mark("empty")
    assert tape.echoed == ["empty"]
    line.put(SOUND)
    line.mark("played")
    line.tick()
    assert tape.echoed == ["empty"]
    line.tick()
    assert tape.echoed == ["empty", "played"]
    assert [(note.received_ms, note.echoed_ms, note.cleared) for note in line.marks] == [(0, 0, False), (0, 20, False)]


def test_clear_stops_the_sound_and_echoes_all_marks() -> None:
    line, tape = line_of(Part()), Tape()
    line.attach(tape)
    line.put(SOUND * 10)
    line.mark("a")
    line.mark("b")
    line.tick()
    line.clear()
    line.tick()
    assert tape.echoed == ["a", "b"]
    assert bytes(line.heard) == SOUND + ulaw.SILENT_FRAME
    assert [(clear.at_ms, clear.dropped_ms) for clear in line.clears] == [(20, 180)]
    assert all(note.cleared for note in line.marks)


def test_leaving_the_line_loses_what_was_not_heard() -> None:
    line, tape = line_of(Part()), Tape()
    line.attach(tape)
    line.put(SOUND * 10)
    line.tick()
    line.detach()
    line.tick()
    assert tape.frames == []
    assert bytes(line.heard[160:]) == ulaw.SILENT_FRAME
    assert line.counters.bytes_cleared == 9 * 160


def test_keys_and_hanging_up_are_told_once() -> None:
    happened, tape = Happened(), Tape()
    line = line_of(Part([Cue(When.ANSWERED, 0, 300, keys="1#"), Cue(When.PREVIOUS, 0, 300)]), happened)
    line.attach(tape)
    for _ in range(10):
        line.tick()
    assert tape.pressed == "1#"
    assert line.keys == [(0, "1"), (0, "#")]
    assert happened.hang_ups == 1


def test_the_detector_listens_to_the_persons_side() -> None:
    happened = Happened()
    line = line_of(Part([Cue(When.ANSWERED, 200, 300, HELLO)]), happened, Detector(AmdRules()))
    for _ in range(200):
        line.tick()
    assert happened.verdicts == [(Verdict.HUMAN, 280 + 1_200)]
