"""The report of whole calls."""

from bench.calls import lines_of, page, report_of
from bench.report_page import render
from tests.salesos.test_summary import WHOLE


def test_figures_come_from_every_call_and_failures_are_counted() -> None:
    turns = [{"response_ms": value} for value in (100, 200, 300, None)]
    summaries = [WHOLE | {"turns": turns}, WHOLE | {"turns": []}, {"error": {"message": "refused"}}]
    report = report_of("embedded", summaries)
    assert not report.good
    lines = lines_of(report).splitlines()
    assert lines[0] == "3 calls with embedded providers, 1 failed"
    assert lines[1].split() == ["2", "ended", "·", "goal_reached"]
    (response,) = (line.split() for line in lines if line.startswith("response "))
    assert response == ["response", "3", "200", "290", "300"]
    assert lines[-1] == "failed: refused"
    assert report_of("embedded", [WHOLE | {"turns": turns}]).good
    assert not report_of("embedded", [WHOLE | {"turns": []}]).good, "no answer is no result"


def test_the_page_has_the_waterfall() -> None:
    row = {"turn": 2, "vad_ms": 200, "end_of_turn_ms": 350, "transcript_ms": 360, "played_ms": 520}
    html = render(page(report_of("embedded", [WHOLE | {"waterfall": [row]}])), {})
    assert "<svg" in html
    assert "words known" in html
