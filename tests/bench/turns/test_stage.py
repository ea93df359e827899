"""Scenes through the product's own conversation, in virtual time."""

import asyncio

from agent.turns.smart_turn import SmartTurn
from bench.sim.loop import SimLoop
from bench.turns.scenes import Scene, made
from bench.turns.stage import OURS, SMART_TURN_MS, Judgements, Played, System, play_all

SILENCE, WORDS, _, BOTH = OURS


def played(system: System, name: str) -> tuple[Scene, Played]:
    scene = next(scene for scene in made() if scene.name == name)
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        (found,) = runner.run(play_all([scene], system, Judgements(SmartTurn()), SMART_TURN_MS))
    return scene, found


def test_a_whole_sentence_is_answered_once_after_it() -> None:
    for system in OURS:
        scene, found = played(system, "whole/yes please/en-us/quiet")
        assert len(found.spoke_ms) == 1
        assert 100 < found.spoke_ms[0] - scene.speech_ms[1] < 600


def test_words_keep_a_pause_from_being_taken_for_the_end() -> None:
    scene, cut = played(SILENCE, "pauses/we have three shops and/en-us+m3/quiet")
    assert cut.spoke_ms[0] < scene.speech_ms[1]
    _, whole = played(WORDS, scene.name)
    assert [at > scene.speech_ms[1] for at in whole.spoke_ms] == [True]


def test_assent_holds_the_agent_for_a_moment_and_an_interruption_for_good() -> None:
    _, found = played(BOTH, "assent/okay/en-us+klatt4/quiet")
    assert not found.yielded
    assert 0 < found.held_ms < 1_500
    _, found = played(BOTH, "interruption/wait a moment/en-us/quiet")
    assert found.yielded


def test_the_same_scene_ends_the_same() -> None:
    name = "pauses/my number is/en-us+m3/10 dB"
    assert played(BOTH, name)[1] == played(BOTH, name)[1]
