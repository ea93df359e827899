"""Every stage can be timed, and costs something."""

from pathlib import Path

from bench.micro import measure, table
from bench.utterance import speak_two_seconds


def test_every_stage_has_a_cost_and_writes_nothing(tmp_path: Path) -> None:
    costs = measure(speak_two_seconds(), tmp_path, 0.001)
    assert len(costs) == len({cost.stage for cost in costs}) >= 13
    for cost in costs:
        assert 0 < cost.min_us <= cost.median_us < 100_000, cost
    # A frame of silence is part of what a room does with it.
    by_stage = {cost.stage: cost.min_us for cost in costs}
    assert by_stage["decode a frame of µ-law"] < by_stage["room hears a frame of silence, recorded"]
    assert by_stage["parse a media message"] < 50
    assert list(tmp_path.iterdir()) == []
    assert len(table(costs).splitlines()) == len(costs) + 1
