"""Calls in which the simulation once found a fault of ours, as they were drawn: every invariant holds in them now."""

from pathlib import Path

import pytest

from bench.sim.run import one, quiet
from bench.sim.scenario import Scenario

FOUND = {
    # The beep came while an answer to the greeting was being made: the model was told the greeting twice.
    "asked twice": Scenario(0, "voicemail", (), 16.8, 0.257, 0.143, 0.242, 0.205, has_judge=True, dice_seed=1106848005),
    # We hung up, the callback was lost, and seconds of silence were billed while the carrier was waited for.
    "billed after the end": Scenario(
        0,
        "leaver",
        ("callbacks_lost", "marks_lost", "voice_refuses"),
        74.3,
        0.121,
        0.1,
        0.237,
        0.187,
        dice_seed=1698729958,
    ),
    # We hung up, and the conversation went on with nobody: what it said counted as heard.
    "spoke on after hanging up": Scenario(
        0,
        "silent",
        ("callbacks_lost", "model_late", "supervisor_hangs_up"),
        85.5,
        0.445,
        0.194,
        0.271,
        0.236,
        dice_seed=1938519472,
    ),
    # They answered in mid-question and hung up: the model was told the answer and not the question.
    "last words without the question": Scenario(
        0,
        "hesitant",
        (),
        31.771146373544195,
        0.3158244978139991,
        0.08467384141206843,
        0.06456702825052832,
        0.22283196626591012,
        speculates=True,
        dice_seed=1528094842,
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_holds_now(name: str, tmp_path: Path) -> None:
    quiet()
    _, broken = one(FOUND[name], tmp_path)
    assert broken == []
