"""What the prospect was saying when we ended the call is understood all the same: it may be that they want no more."""

from pathlib import Path

import pytest

from bench.sim.run import one, quiet
from bench.sim.scenario import Scenario, draw
from events.call import Finished, Outcome, Speaker

FOUND = {
    "somebody hangs up for us": (3910215381, "Hello, who is this?", Outcome.HUNG_UP),
    "the funds end": (3901433285, "Next monday in the morning at", Outcome.OUT_OF_CREDIT),
}
PINNED = {
    3910215381: ("interrupter", ("carrier_away", "model_stalls", "supervisor_hangs_up")),
    3901433285: ("interrupter", ("funds_end",)),
}


def scenario(seed: int) -> Scenario:
    drawn = draw(seed)
    assert (drawn.persona, drawn.faults) == PINNED[seed], "seeds are drawn otherwise now: find such calls again"
    return drawn


@pytest.mark.parametrize(("seed", "said", "outcome"), FOUND.values(), ids=FOUND)
def test_what_is_said_while_we_hang_up_is_taken_down(seed: int, said: str, outcome: Outcome, tmp_path: Path) -> None:
    quiet()
    record, broken = one(scenario(seed), tmp_path)
    assert broken == []
    caller = [turn.text for turn in record.turns() if turn.speaker is Speaker.CALLER]
    assert caller[-1].startswith(said)
    end = next(event.body for event in record.events if isinstance(event.body, Finished))
    assert end.outcome is outcome
