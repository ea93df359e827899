"""The prospect of the failover bench: what it plays, when it speaks, what it notices."""

from bench.failover.prospect import PATIENCE_S, REACTION_S, Prospect
from bench.providers.coded_speech import Vocabulary
from media.frame import FRAME_SAMPLES, RATE_HZ

KNOWN = Vocabulary(("one", "two.", "three."))


class Scene:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.marks: list[str] = []
        self.prospect = Prospect(
            b"\x10" * (FRAME_SAMPLES * 5), ["two.", "three."], KNOWN, lambda: self.now_s, self.marks.append
        )

    def run(self, seconds: float) -> list[bytes]:
        frames = []
        for _ in range(round(seconds / 0.02)):
            frames.append(self.prospect.tick()[0])
            self.now_s += 0.02
        return frames


def test_it_speaks_and_speaks_again_when_the_answer_s_last_word_was_heard() -> None:
    scene = Scene()
    assert sum(frame[0] == 0x10 for frame in scene.run(REACTION_S + 0.5)) == 5
    scene.run(1.0)
    assert scene.prospect.utterances == 1
    scene.prospect.play(KNOWN.say("one two."), "m")
    assert scene.marks == []
    scene.run(len(KNOWN.say("one two.")) / RATE_HZ + 0.1)
    assert scene.marks == ["m"]
    scene.run(REACTION_S + 0.1)
    assert scene.prospect.utterances == 2
    scene.prospect.play(KNOWN.say("three."), None)
    scene.run(3.0)
    assert scene.prospect.utterances == 2, "the last answer has none behind it"


def test_what_was_cleared_was_not_heard_and_its_marks_come_at_once() -> None:
    scene = Scene()
    scene.prospect.play(KNOWN.say("one two."), "m")
    scene.run(0.2)
    scene.prospect.clear()
    scene.run(0.02)
    assert scene.marks == ["m"]
    assert abs(len(scene.prospect.sound) / RATE_HZ - 0.2) < 0.03


def test_silence_between_the_two_is_measured_and_ends_its_patience() -> None:
    scene = Scene()
    scene.run(REACTION_S + 0.1 + 1.5)
    scene.prospect.play(KNOWN.say("one"), None)
    scene.run(0.5)
    assert 1.4 < scene.prospect.dead_air_s < 1.6
    assert not scene.prospect.lost_patience
    scene.run(PATIENCE_S + 0.1)
    assert scene.prospect.lost_patience
