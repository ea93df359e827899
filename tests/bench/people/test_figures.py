"""What was found against the goals: the ends' own time taken off, what misses named, what is void told."""

import json
from dataclasses import replace

import msgspec
import pytest

from bench.carrier_client import Tally
from bench.load_report import spread
from bench.people.figures import GOALS, Listened, Pace, Report, Sound, core_each, page, table, told

SEEN = Pace([10.0, 12.0], [180.0], [0.0], [407.0]).seen()
GOOD = Report(
    Sound.of([30.0, 28.0, 29.0], [89.0, 99.0], [79.0, 79.5]),
    spread([50.0, 60.0]),
    0.03,
    0.002,
    Listened(SEEN, SEEN, 900, 0),
    legs=8,
    listeners=60,
)


def test_what_the_ends_take_is_taken_off_and_the_slower_way_counts() -> None:
    assert GOOD.sound.to_prospect.p50 == 65.0
    assert GOOD.sound.to_person.p50 == 50.2
    assert GOOD.figures["mouth_to_ear_ms.p50"] == 65.0
    assert GOOD.figures.keys() == GOALS.keys()
    assert GOOD.good
    assert table(GOOD).endswith("every goal is met")
    assert page(GOOD).summary == "Every goal is met."


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("mouth_to_ear_ms.p95", replace(GOOD, sound=Sound.of([0.0], [90.0] * 9 + [260.0], [50.0]))),
        ("click_to_audio_ms.p95", replace(GOOD, clicks=spread([501.0]))),
        ("core_per_leg", replace(GOOD, core_per_leg=0.041)),
        ("core_per_listener", replace(GOOD, core_per_listener=0.0031)),
        ("underruns", replace(GOOD, listened=replace(GOOD.listened, with_all=replace(SEEN, underruns=1)))),
        ("drift_ms", replace(GOOD, listened=replace(GOOD.listened, with_all=Pace([30.0]).seen()))),
        ("drift_ms", replace(GOOD, listened=replace(GOOD.listened, with_all=Pace().seen()))),
    ],
)
def test_one_that_falls_short_is_named(name: str, report: Report) -> None:
    assert told(report)["missed"] == [name]
    assert not report.good
    (line,) = [line for line in table(report).splitlines() if line.startswith(name)]
    assert line.endswith("MISSED")


def test_what_was_not_heard_or_shed_is_a_fault() -> None:
    lost = replace(GOOD, sound=Sound.of([1.0], [90.0, None], [80.0]))
    assert lost.faults == ["1 of 3 bursts were not heard"]
    shed = replace(GOOD, listened=replace(GOOD.listened, missing=2))
    assert shed.faults == ["2 of 902 frames for listeners were shed"]
    silent = replace(GOOD, listened=replace(GOOD.listened, with_all=replace(SEEN, unanswered=1)))
    for report in (lost, shed, silent, replace(GOOD, void=("late",))):
        assert not report.good
        assert "FAULT" in table(report) or "VOID" in table(report)


def test_nothing_heard_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="directly"):
        Sound.of([], [1.0], [1.0])
    with pytest.raises(ValueError, match="prospect and person"):
        Sound.of([1.0], [None], [1.0])


def test_a_core_is_the_median_of_the_pairs() -> None:
    assert core_each(10, [(0.1, 0.4), (0.1, 0.3), (0.1, 0.9)]) == 0.03


def test_only_what_is_told_in_a_window_counts() -> None:
    tally, pace = Tally(open=True), Pace()
    tally.pacing_jitter_ms.append(1.0)
    tally.underruns = 3
    with pace.counting(tally):
        tally.pacing_jitter_ms.append(2.0)
        tally.underruns += 1
    tally.pacing_jitter_ms.append(3.0)
    with pace.counting(tally):
        tally.response_ms.append(400.0)
        tally.mark_late_ms.append(5.0)
    assert (pace.jitter_ms, pace.response_ms, pace.mark_late_ms, pace.underruns) == ([2.0], [400.0], [5.0], 1)


def test_the_file_has_the_figures_by_level() -> None:
    found = json.loads(msgspec.json.encode(told(GOOD)))
    assert found["mouth_to_ear_ms"] == {"p50": 65.0, "p95": 69.5}
    assert found["click_to_audio_ms"] == {"p50": 55.0, "p95": 59.5}
    assert (found["core_per_leg"], found["core_per_listener"]) == (0.03, 0.002)
    assert found["listened"]["alone"]["ahead_ms"]["count"] == 1
    assert (found["good"], found["missed"], found["faults"], found["void"]) == (True, [], [], [])
