"""What users of voice agents complain about, a test for each complaint that belongs to turn-taking.

Whole scenes go through conversation and room, in virtual time. docs/guides/turn-taking.md says which test shows which
complaint, and where those of other parts are.
"""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from agent.signal_queue import SignalQueue
from agent.signals import ConversationSignal, Expired, PlayedOut
from agent.turns.smart_turn import SmartTurn
from bench.sim.loop import SimLoop
from bench.turns.scenes import Scene, made
from bench.turns.stage import Judgements, Played, System, play_all
from events import call as events
from media.activity.detector import VoiceEnded, VoiceStarted

WORDS = System("words", rules=True, words=True, sound=False)
BARGE_IN_MS = 400  # from the first sample of an interruption to the agent's silence
DEAD_AIR_MS = 2_000


def play(*scenes: Scene) -> list[Played]:
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        return runner.run(play_all(scenes, WORDS, Judgements(SmartTurn()), 90))


def of(group: str, count: int) -> list[Scene]:
    return [scene for scene in made() if scene.group == group][:count]


def agent_turns(played: Played) -> list[events.TurnFinished]:
    told = [body for body in played.told if isinstance(body, events.TurnFinished)]
    return [turn for turn in told if turn.speaker is events.Speaker.AGENT]


def test_complaint_2_the_agent_does_not_talk_on_after_an_interruption() -> None:
    scenes = of("interruption", 4)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        first, last = scene.speech_ms
        stopped = played.stopped_ms[0]
        assert stopped - first < BARGE_IN_MS
        assert [at for at in played.sent_ms if stopped < at < last] == []


@pytest.mark.parametrize("group", ["cough", "interruption", "street", "assent"])
def test_complaint_3_it_is_not_silent_after_an_interruption_or_a_noise(group: str) -> None:
    scenes = of(group, 10)[-4:]
    for scene, played in zip(scenes, play(*scenes), strict=True):
        after = [at for at in played.sent_ms if at >= scene.speech_ms[1]]
        assert after, scene.name
        assert after[0] - scene.speech_ms[1] < DEAD_AIR_MS


@pytest.mark.parametrize("lost", [VoiceEnded, VoiceStarted, Expired])
def test_complaint_3_not_even_when_a_signal_is_lost(lost: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog on pending speech: whatever is dropped, the caller is not left waiting."""
    scene = replace(of("whole", 1)[0], speech_ms=(700, 9_000))
    scene = replace(scene, pcm=np.concatenate([scene.pcm, np.zeros(12 * 8_000, np.int16)]))
    put = SignalQueue.put
    dropped: list[ConversationSignal] = []
    played_out: list[ConversationSignal] = []

    def lossy(queue: SignalQueue[ConversationSignal], signal: ConversationSignal) -> None:
        if isinstance(signal, PlayedOut):
            played_out.append(signal)
        if isinstance(signal, lost) and not dropped and played_out:
            dropped.append(signal)
        else:
            put(queue, signal)

    monkeypatch.setattr(SignalQueue, "put", lossy)
    (played,) = play(scene)
    assert dropped or lost is Expired
    assert played.spoke_ms
    assert played.spoke_ms[0] < 8_000


def test_complaint_4_what_counts_as_said_is_what_was_heard() -> None:
    scenes = of("interruption", 4)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        greeting = agent_turns(played)[0]
        assert greeting.interrupted
        assert greeting.text.startswith(greeting.heard_text)
        # The voice says its words evenly: the share of words heard is the share of time.
        whole_ms = (greeting.ended_ms - greeting.started_ms) * len(greeting.text) / max(1, len(greeting.heard_text))
        assert 0 < len(greeting.heard_text) < len(greeting.text)
        assert 9_000 < whole_ms < 20_000, scene.name


def test_complaint_5_assent_does_not_interrupt() -> None:
    scenes = of("assent", 12)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        assert not played.yielded, scene.name
        assert not [body for body in played.told if isinstance(body, events.BargedIn)]


@pytest.mark.parametrize("group", ["whole", "pauses", "fast"])
def test_complaint_6_one_utterance_gets_one_answer(group: str) -> None:
    """Where the agent began too early it was stopped, and what it said then is no answer to the whole."""
    scenes = of(group, 8)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        assert len([at for at in played.spoke_ms if at >= scene.speech_ms[1]]) == 1, scene.name


def test_a_slow_speaker_is_cut_into_once_and_then_let_go_on() -> None:
    scenes = of("slow", 4)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        first, last = scene.speech_ms
        # A pause that is longer than the first one was may be cut once more.
        assert len([at for at in played.spoke_ms if first <= at < last]) <= (2 if "expensive" in scene.name else 1)
        assert [at for at in played.spoke_ms if last <= at < last + DEAD_AIR_MS], scene.name


def test_complaint_7_the_echo_of_a_speaker_phone_does_not_silence_the_agent() -> None:
    scenes = of("echo", 4)
    for scene, played in zip(scenes, play(*scenes), strict=True):
        assert not played.yielded, scene.name
        # Until a second of it has been heard nobody can know; then it holds the agent no more.
        assert all(at - scene.speech_ms[0] < 1_000 for at in played.stopped_ms), scene.name


def test_complaint_7_who_speaks_over_the_echo_interrupts() -> None:
    scenes = of("over echo", 4)
    assert all(played.yielded for played in play(*scenes))
