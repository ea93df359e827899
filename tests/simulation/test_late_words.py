"""Recognisers that take longer for words than callers wait: an answer begins with a stock phrase, and is one answer."""

from itertools import pairwise
from pathlib import Path

import pytest

from agent.llm.port import Role
from agent.stock_phrases import ENGLISH
from bench.sim.invariants import broken
from bench.sim.personas import PERSONAS
from bench.sim.run import quiet
from bench.sim.scenario import Scenario
from bench.sim.world import simulate
from events import call as events

LATE_S = 2.6


def test_the_answer_follows_the_phrase_in_the_same_turn(tmp_path: Path) -> None:
    quiet()
    record = simulate(Scenario(0, "eager", stt_final_s=LATE_S, dice_seed=5), tmp_path)
    assert broken(record) == []
    turns = record.turns()
    answers = [
        after.heard_text
        for before, after in pairwise(turns)
        if (before.speaker, after.speaker) == (events.Speaker.CALLER, events.Speaker.AGENT)
    ]
    assert len(answers) >= 4
    assert all(text.startswith(ENGLISH.one_moment) for text in answers[1:])
    # Who takes the phrase for the answer and speaks on hears no more of it.
    assert sum(text != ENGLISH.one_moment for text in answers[1:]) >= 2
    questions = [message.text for message in record.asked[-1].messages if message.role is Role.USER]
    assert questions == [turn.text for turn in turns if turn.speaker is events.Speaker.CALLER][: len(questions)]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("late_s", [1.1, 1.7, LATE_S])
def test_every_invariant_holds_whoever_speaks(persona: str, late_s: float, tmp_path: Path) -> None:
    quiet()
    for dice_seed in range(4):
        scenario = Scenario(0, persona, stt_final_s=late_s, trip_ms=90.0, dice_seed=dice_seed)
        assert broken(simulate(scenario, tmp_path / str(dice_seed))) == []


@pytest.mark.parametrize(
    "fault", ["model_slow", "models_down", "voice_stalls", "voice_breaks", "node_stops", "stt_down"]
)
def test_nor_do_other_faults_beside_it_break_one(fault: str, tmp_path: Path) -> None:
    quiet()
    for dice_seed, persona in enumerate(("eager", "interrupter", "adder", "double_talker")):
        scenario = Scenario(0, persona, (fault,), 90.0, 0.5, 0.2, stt_final_s=LATE_S, dice_seed=dice_seed)
        assert broken(simulate(scenario, tmp_path / str(dice_seed))) == []
