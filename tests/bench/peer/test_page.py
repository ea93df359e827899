"""The page of a comparison."""

from bench.floor import Floor
from bench.peer.figures import OURS, new_report, new_round
from bench.peer.page import page
from bench.report_page import render
from tests.bench.peer.test_figures import run


def test_the_page_shows_each_side_and_the_ratio() -> None:
    one = new_round({OURS: run(0.01), "default": run(0.15), "lean": run(0.1)})
    found = page(new_report(4, [one], Floor(280.0, 90.0), {"pipecat-ai": "1.14.0"}))
    assert found.results["pipecat default by ours, core per call"] == "15.0"
    assert found.results["pipecat lean by ours, core per call"] == "10.0"
    html = render(found, {})
    assert "pipecat-ai 1.14.0" in html
    assert html.count("<svg") == 4


def test_a_comparison_in_which_nothing_counts_says_so() -> None:
    one = new_round({OURS: run(), "default": run(turns=0)})
    html = render(page(new_report(4, [one], Floor(None, None), {})), {})
    assert "No round counts" in html
    assert "1 pipecat default (void)" in html
