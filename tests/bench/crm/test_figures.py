"""Figures against goals: what misses, what was not measured, and how both are told."""

import json

import pytest

from bench.crm.figures import GOALS, Report, merge, nested, page, table

GOOD = {name: goal.at_least or goal.at_most or 1.0 for name, goal in GOALS.items()}


def test_all_at_their_goals_is_good() -> None:
    report = Report(False, GOOD)
    assert report.good
    assert table(report).endswith("every goal is met")
    assert page(report).summary == "Every goal is met."


@pytest.mark.parametrize(
    ("name", "value"), [("ratio.hot", 1.59), ("p99_ms.leads", 50.1), ("events_per_s", float("nan"))]
)
def test_one_that_falls_short_is_named(name: str, value: float) -> None:
    report = Report(True, GOOD | {name: value})
    assert not report.good
    assert report.missed == [name]
    (line,) = [line for line in table(report).splitlines() if line.startswith(name)]
    assert line.endswith("MISSED")


def test_what_was_not_measured_is_not_good() -> None:
    report = Report(False, {"ratio.hot": 2.0})
    assert not report.good
    assert (report.missed, len(report.missing)) == ([], len(GOALS) - 1)
    assert "7 of 8 figures have no measure yet" in table(report)


def test_the_file_has_the_figures_by_level() -> None:
    told = json.loads(json.dumps(nested(Report(True, GOOD))))
    assert told["postings_per_s"] == {"spread": 1.0, "hot": 1.0}
    assert told["ratio"] == {"spread": 1.3, "hot": 1.6}
    assert (told["events_per_s"], told["import_rows_per_s"]) == (2_000, 4_000)
    assert told["p99_ms"] == {"leads": 50, "timeline": 50}
    assert (told["small"], told["good"], told["missed"], told["not_measured"]) == (True, True, [], [])


def test_a_figure_is_one_measures_and_known() -> None:
    assert merge({"ratio.hot": 1.0}, {"events_per_s": 2.0}) == {"ratio.hot": 1.0, "events_per_s": 2.0}
    with pytest.raises(ValueError, match=r"ratio\.hot.*two"):
        merge({"ratio.hot": 1.0}, {"ratio.hot": 2.0})
    with pytest.raises(ValueError, match=r"ratio\.cold"):
        merge({}, {"ratio.cold": 2.0})
