"""Calls that a colleague takes over at any moment: silent aside, told afterwards, and all else as in every call."""

from pathlib import Path

import pytest

from bench.sim.run import many, one, quiet
from bench.sim.scenario import TAKES_OVER, Scenario
from events.call import WordPassed

CALLS = 12


def test_every_invariant_holds_whenever_the_word_is_taken() -> None:
    outcome = many(1, CALLS, faults=[TAKES_OVER])
    assert outcome.found == []
    assert outcome.faults[TAKES_OVER] > CALLS // 3


@pytest.mark.parametrize("fault", ["stt_fails", "model_stalls", "voice_breaks", "funds_end"])
def test_also_while_something_fails(fault: str, tmp_path: Path) -> None:
    quiet()
    passed = 0
    for seed in range(3):
        scenario = Scenario(seed, "interrupter", (TAKES_OVER, fault), dice_seed=seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        record, found = one(scenario, folder)
        assert found == [], scenario
        passed += sum(isinstance(event.body, WordPassed) for event in record.events)
    assert passed
