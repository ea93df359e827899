"""The report's plots hold every figure that there is."""

from bench.plots import BarPlot
from bench.turns.figures import FloorFigures, TurnFigures, TurnsReport
from bench.turns.page import page


def test_every_system_has_its_bar_and_what_was_not_measured_has_none() -> None:
    of = {
        "whole": TurnFigures(3, 1, 2, 0, 250.0, 300.0),
        "pauses": TurnFigures(3, 3, 3, 0, None, None),
    }
    floor = {"assent": FloorFigures(2, 0, 1, 100.0, 100.0, 300.0)}
    made = page(TurnsReport({"words": of, "pipecat default": of}, {"words": floor}, (), {}))
    cut, delay, wrong = (plot for plot in made.plots if isinstance(plot, BarPlot))
    assert len(cut.bars) == 4
    assert [bar.name for bar in delay.bars] == ["whole, words", "whole, pipecat default"]
    assert len(wrong.bars) == 1
    assert "4 of 6 (words)" in made.summary
