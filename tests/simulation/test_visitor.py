"""Calls in which colleagues hold the prospect, are lost, whisper and barge in, at any moment."""

from pathlib import Path

import pytest

from bench.sim.run import many, one, quiet
from bench.sim.scenario import GONE, HOLDS, LOST, VISITS, Scenario
from telephony.call.people import LOST_S

CALLS = 10


@pytest.mark.parametrize("act", VISITS)
def test_every_invariant_holds_whatever_colleagues_do(act: str) -> None:
    outcome = many(1, CALLS, faults=(act,))
    assert outcome.found == []
    assert outcome.faults[act] > CALLS // 3


@pytest.mark.parametrize("act", [LOST, GONE, HOLDS])
@pytest.mark.parametrize("fault", ["redis_away", "voice_breaks", "model_stalls"])
def test_also_while_something_fails(act: str, fault: str, tmp_path: Path) -> None:
    quiet()
    record, found = one(Scenario(1, "silent", (act, fault), dice_seed=2), tmp_path)
    assert found == []
    assert record.waits or record.holds


def test_who_is_lost_for_good_is_waited_for_as_long_as_the_rule_says(tmp_path: Path) -> None:
    quiet()
    record, found = one(Scenario(1, "silent", (GONE,), dice_seed=2), tmp_path)
    assert found == []
    (wait,) = record.waits
    assert (wait.gone, round((wait.end_ms - wait.start_ms) / 1_000)) == (True, LOST_S)
    assert sum(span.end_ms - span.start_ms for span in record.music) > 13_000
