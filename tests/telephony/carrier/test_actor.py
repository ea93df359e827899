"""A persona's behaviour, frame by frame, against an agent that is a pattern of loud and quiet."""

from dataclasses import dataclass, field

import numpy as np

from media.dtmf import tones
from telephony.carrier import clip, ulaw
from telephony.carrier.actor import Act, Actor, AsideCue, Cue, Part
from telephony.carrier.clip import Clip, Kind
from telephony.carrier.ear import Ear
from telephony.carrier.persona import When
from telephony.carrier.ulaw import FRAME_SAMPLES, Pcm

LOUD: Pcm = np.full(FRAME_SAMPLES, 4_000, np.int16)


def words(text: str, length_ms: int = 400) -> Clip:
    return clip.clip_of(Kind.SAY, text, np.full(length_ms * 8, 5_000, np.int16))


@dataclass
class Scene:
    """Plays an agent who speaks in the given stretches of ms, and notes what the person does."""

    part: Part
    agent: list[tuple[int, int]]
    acts: dict[int, Act] = field(default_factory=dict)

    def run(self, until_ms: int) -> Actor:
        ear = Ear()
        actor = Actor(self.part, ear)
        for now_ms in range(0, until_ms, 20):
            if any(start <= now_ms < end for start, end in self.agent):
                ear.hear(LOUD, now_ms)
            act = actor.act(now_ms)
            if act.keys or act.hangs_up or act.pcm is not None:
                self.acts[now_ms] = act
            if act.hangs_up:
                break
        return actor

    @property
    def hung_up_ms(self) -> int | None:
        return next((at for at, act in self.acts.items() if act.hangs_up), None)


def said(actor: Actor) -> list[tuple[str, float, float]]:
    return [(utterance.text, utterance.started_ms, utterance.ended_ms) for utterance in actor.utterances]


def test_speaks_after_the_answer_and_then_waits_for_its_turn() -> None:
    cues = [Cue(When.ANSWERED, 600, 300, words("hello")), Cue(When.TURN_OVER, 800, 300, words("yes"))]
    scene = Scene(Part(cues), [(2_000, 3_000), (3_500, 4_000)])
    # The pause of 500 ms within the agent's turn is no invitation.
    assert said(scene.run(8_000)) == [("hello", 600, 1_000), ("yes", 4_800, 5_200)]


def test_a_click_is_no_turn() -> None:
    cues = [Cue(When.ANSWERED, 0, 300, words("hello")), Cue(When.TURN_OVER, 800, 300, words("yes"))]
    assert len(said(Scene(Part(cues), [(1_000, 1_100)]).run(5_000))) == 1


def test_the_end_of_an_interrupted_turn_is_no_new_turn() -> None:
    cues = [
        Cue(When.SPEAKING, 1_500, 300, words("wait", 1_000)),
        Cue(When.TURN_OVER, 800, 300, words("yes")),
    ]
    # The agent stops 300 ms after it is interrupted, and answers later.
    scene = Scene(Part(cues), [(1_000, 2_800), (4_000, 5_000)])
    assert said(scene.run(8_000)) == [("wait", 2_500, 3_500), ("yes", 5_800, 6_200)]


def test_a_turn_too_short_to_be_interrupted_is_answered_after_it() -> None:
    scene = Scene(Part([Cue(When.SPEAKING, 1_500, 300, words("wait"))]), [(1_000, 1_500)])
    assert said(scene.run(6_000)) == [("wait", 4_000, 4_400)]


def test_asides_fall_into_their_turn_and_take_no_floor() -> None:
    asides = [AsideCue(1, 500, words("uh-huh", 200)), AsideCue(1, 3_000, words("never", 200))]
    cues = [Cue(When.TURN_OVER, 800, 300, words("yes"))]
    actor = Scene(Part(cues, asides), [(1_000, 2_000)]).run(6_000)
    assert said(actor) == [("uh-huh", 1_500, 1_700), ("yes", 2_800, 3_200)]
    assert [utterance.aside for utterance in actor.utterances] == [True, False]


def test_repeats_itself_and_leaves_with_a_goodbye_when_patience_ends() -> None:
    part = Part(
        cues=[Cue(When.ANSWERED, 0, 300, words("hello"))],
        otherwise=[Cue(When.TURN_OVER, 1_500, 300, words("yes"))] * 2,
        goodbye=words("bye"),
        patience_ms=3_000,
    )
    scene = Scene(part, [(1_000, 2_000), (5_000, 6_000), (9_000, 10_000)])
    assert [text for text, *_ in said(scene.run(20_000))] == ["hello", "yes", "yes", "bye"]
    assert scene.hung_up_ms == 13_400


def test_presses_keys_then_hangs_up_as_a_line_of_its_own() -> None:
    cues = [Cue(When.ANSWERED, 100, 300, keys="12#"), Cue(When.PREVIOUS, 300, 300)]
    scene = Scene(Part(cues), [])
    scene.run(2_000)
    assert {at: (act.keys, act.hangs_up) for at, act in scene.acts.items()} == {100: ("12#", False), 400: ("", True)}


def test_beep_follows_the_greeting_and_is_known_as_one() -> None:
    cues = [Cue(When.ANSWERED, 0, 300, words("hi")), Cue(When.PREVIOUS, 300, 300, clip.beep(500))]
    scene = Scene(Part(cues), [])
    actor = scene.run(3_000)
    assert [at for at, act in scene.acts.items() if act.beeps] == list(range(700, 1_200, 20))
    assert actor.utterances[1].kind is Kind.BEEP


def test_hangs_up_at_its_limit_whatever_happens() -> None:
    scene = Scene(Part(limit_ms=1_000), [(0, 5_000)])
    scene.run(5_000)
    assert scene.hung_up_ms == 1_000


def press(actor: Actor, keys: str, at_ms: int) -> None:
    sound = np.concatenate([ulaw.decode(tones(keys)), np.zeros(FRAME_SAMPLES, np.int16)])
    for number in range(len(sound) // FRAME_SAMPLES):
        actor.ear.hear(sound[number * FRAME_SAMPLES :][:FRAME_SAMPLES], at_ms + number * 20)


def test_a_menu_waits_for_its_key_and_no_other() -> None:
    actor = Actor(Part([Cue(When.PRESSED, 700, 300, words("one moment"), awaited="2")]), Ear())
    press(actor, "1", 0)
    for now_ms in range(200, 2_000, 20):
        assert actor.act(now_ms).pcm is None
    press(actor, "2", 2_000)
    began = [now_ms for now_ms in range(2_180, 4_000, 20) if actor.act(now_ms).pcm is not None]
    assert began[0] == 2_180 + 700


def test_a_key_that_was_pressed_before_the_last_line_is_used_up() -> None:
    cues = [Cue(When.ANSWERED, 500, 300, words("menu")), Cue(When.PRESSED, 0, 300, words("thanks"), awaited="2")]
    actor = Actor(Part(cues), Ear())
    press(actor, "2", 0)
    for now_ms in range(200, 3_000, 20):
        actor.act(now_ms)
    assert [text for text, _, _ in said(actor)] == ["menu"]
