"""The stages do what they say, on fresh objects, and write nothing."""

from functools import cache
from pathlib import Path

import pytest

from bench.stages import BATCH, FRAMES, STAGES, Inputs
from bench.utterance import speak_two_seconds

NEVER = Path("never-written")


@cache
def inputs() -> Inputs:
    return Inputs(speak_two_seconds(), NEVER)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_does_the_same_work_in_every_round(stage: str) -> None:
    rounds = [STAGES[stage](inputs())() for _ in range(2)]
    assert rounds[0] == rounds[1] > 0
    assert not NEVER.exists()


def test_a_round_is_long_enough_to_be_timed() -> None:
    counts = {stage: STAGES[stage](inputs())() for stage in STAGES}
    assert counts["parse a media message"] == counts["leg takes a message of speech, all of it"] == FRAMES
    assert counts[f"network: a window in a batch of {BATCH}"] == BATCH
