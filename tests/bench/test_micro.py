"""Timing stages with pytest-benchmark, and reading its figures."""

from pathlib import Path

import msgspec
import pytest

from bench.micro import Cost, command, costs_of, environment, measure, page, table
from bench.report_page import render
from bench.stages import STAGES

FIGURES = b"""{"machine_info": {}, "benchmarks": [{"name": "test_stage[x]",
    "extra_info": {"stage": "parse", "operations": 200},
    "stats": {"median": 0.0004, "min": 0.0002, "iqr": 0.0001, "rounds": 7, "mean": 1.0}}]}"""


@pytest.mark.timeout(120)
def test_every_stage_is_timed_in_a_process_of_its_own() -> None:
    costs = measure(0.001)
    assert [cost.stage for cost in costs] == list(STAGES)
    for cost in costs:
        assert 0 < cost.min_us <= cost.median_us < 100_000, cost
        assert cost.rounds >= 5
    # A frame of silence is part of what a room does with it.
    by_stage = {cost.stage: cost.min_us for cost in costs}
    assert by_stage["decode a frame of µ-law"] < by_stage["room hears a frame of silence, recorded"]


def test_a_rounds_time_is_divided_by_its_operations() -> None:
    assert costs_of(FIGURES) == [Cost("parse", 2.0, 1.0, 0.5, 7)]


@pytest.mark.parametrize("figures", [b"", b"{}", FIGURES.replace(b'"operations"', b'"other"')])
def test_what_is_no_file_of_figures_is_refused(figures: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        costs_of(figures)


def test_only_the_benchmark_plugin_is_wanted_and_nothing_is_left_behind() -> None:
    words = command(Path("/tmp/figures.json"), 0.5)
    assert words[words.index("--pyargs") + 1] == "bench.stage_rounds"
    assert "pytest_benchmark.plugin" in words
    assert "no:cacheprovider" in words


def test_what_is_meant_for_another_run_of_pytest_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    found = environment()
    assert {name for name in found if name.startswith("PYTEST_")} == {"PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    assert found["PATH"], "all else stays"


def test_costs_are_told_as_a_table_and_as_a_page() -> None:
    costs = costs_of(FIGURES)
    assert len(table(costs).splitlines()) == 2
    assert "0.000100" in render(page(costs), {}), "of a core at fifty a second"
