"""The page of load runs."""

from typing import Any

import msgspec
import pytest

from bench.floor import Floor
from bench.load_page import page
from bench.load_report import LoadReport, LoadRun, Spread, spread
from bench.report_page import render


def run(calls: int, **changes: Any) -> LoadRun:
    values: dict[str, Any] = dict.fromkeys(LoadRun.__struct_fields__, 0)
    values |= {"calls": calls, "void": (), "void_tries": (), "seconds": 60.0, "core_per_call": 0.00712}
    values |= {"response_ms": Spread(9, 300.0, 345.0, 350.0, 351.0), "barge_in_ms": spread([200.0])}
    values |= {"pacing_jitter_ms": spread([1.0]), "ahead_ms": spread([180.0]), "loop_lag_ms": spread([0.0])}
    return LoadRun(**(values | changes))


ALONE = run(200, core_per_call=0.0031)
REPORT = LoadReport((run(8), run(120), run(200, void=("stolen time",))), 120, Floor(280.0, 90.0), 8, ALONE)


def test_the_page_shows_what_one_core_carried() -> None:
    found = page(REPORT)
    assert found.results["calls on one core"] == "120"
    assert found.results["of a core for a call, at 120"] == "0.0071"
    html = render(found, {})
    assert "sockets alone" in html
    assert "200 (void)" in html
    assert "200 calls: VOID: stolen time" in html


def test_a_void_run_is_in_the_table_but_in_no_plot() -> None:
    for plot in page(REPORT).plots:
        assert "at 200" not in plot.svg()
        assert "at 120" in plot.svg()


@pytest.mark.parametrize("runs", [(), (run(8, void=("stolen",)),)])
def test_a_report_of_nothing_still_is_a_page(runs: tuple[LoadRun, ...]) -> None:
    report = msgspec.structs.replace(REPORT, runs=runs, max_calls=None, floor=Floor(None, None))
    assert "unknown" in render(page(report), {})
