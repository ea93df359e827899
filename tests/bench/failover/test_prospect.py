"""The prospect of the failover bench: what it sends, when it speaks, what it notices."""

from base64 import b64encode

from bench.failover.prospect import PATIENCE_S, REACTION_S, Prospect
from bench.providers.toned_speech import Tones
from bench.utterance import Utterance
from media.frame import FRAME_SAMPLES, RATE_HZ
from telephony.twilio import messages

KNOWN = Tones(("one", "two.", "three."))
VOICE = b"\x10" * FRAME_SAMPLES


class Scene:
    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[bytes] = []
        utterance = Utterance(VOICE * 5, (b64encode(VOICE),) * 5, 0)
        self.prospect = Prospect(1, utterance, ["two.", "three."], KNOWN, self.sent.append, self.now)

    def run(self, seconds: float) -> list[messages.Event | None]:
        self.sent.clear()
        for _ in range(round(seconds / 0.02)):
            self.prospect.tick(self.now)
            self.now += 0.02
        return [messages.parse(text) for text in self.sent]

    def play(self, text: str, mark: str = "") -> float:
        """Have the server say it; returns how long that is."""
        ulaw = b"".join(KNOWN.word(word, 240) for word in text.split())
        self.prospect.received(messages.media("MZ1", ulaw).encode(), self.now)
        if mark:
            self.prospect.received(messages.mark("MZ1", mark).encode(), self.now)
        return len(ulaw) / RATE_HZ


def voiced(events: list[messages.Event | None]) -> int:
    return sum(isinstance(event, messages.AudioArrived) and event.ulaw == VOICE for event in events)


def marks(events: list[messages.Event | None]) -> list[str]:
    return [event.name for event in events if isinstance(event, messages.MarkPlayed)]


def test_it_speaks_and_speaks_again_when_the_answer_s_last_word_was_heard() -> None:
    scene = Scene()
    assert voiced(scene.run(REACTION_S + 0.5)) == 5
    assert voiced(scene.run(1.0)) == 0
    long_s = scene.play("one two.", "m")
    assert marks(scene.run(long_s - 0.1)) == []
    assert marks(scene.run(0.2)) == ["m"]
    assert voiced(scene.run(REACTION_S + 0.2)) == 5
    assert scene.prospect.utterances == 2
    scene.play("three.")
    scene.run(3.0)
    assert scene.prospect.utterances == 2, "the last answer has none behind it"
    assert [word.text for word in scene.prospect.heard()] == ["one", "two.", "three."]


def test_what_was_cleared_was_not_heard_and_its_marks_come_at_once() -> None:
    scene = Scene()
    scene.play("one two.", "m")
    scene.run(0.24)
    scene.sent.clear()
    scene.prospect.received(messages.clear("MZ1").encode(), scene.now)
    assert marks([messages.parse(text) for text in scene.sent]) == ["m"]
    assert marks(scene.run(1.0)) == []
    assert [word.text for word in scene.prospect.heard()] == ["one"]


def test_silence_until_the_agent_is_measured_and_ends_its_patience() -> None:
    scene = Scene()
    scene.run(REACTION_S + 0.1 + 1.5)
    scene.play("one")
    scene.run(0.5)
    assert 1.4 < scene.prospect.longest_wait_s() < 1.6
    assert not scene.prospect.lost_patience(scene.now)
    scene.run(PATIENCE_S + 0.1)
    assert scene.prospect.lost_patience(scene.now)
