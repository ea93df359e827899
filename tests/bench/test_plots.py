"""Plots are SVG that a browser can read, whatever was measured."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plots import Bar, BarPlot, Line, LinePlot, level, number, ticks

FIGURES = st.floats(0, 1e6, allow_nan=False, allow_infinity=False)
POINTS = st.lists(st.tuples(FIGURES, FIGURES), max_size=8)


@given(st.lists(POINTS, max_size=8), st.text())
def test_any_lines_make_a_plot(lines: list[list[tuple[float, float]]], name: str) -> None:
    drawn = [Line(name, points) for points in lines]
    svg = parsed(LinePlot(name, name, name, [*drawn, level(name, 1.0)]).svg())
    assert len(svg.findall("circle")) == sum(map(len, lines))


@given(st.lists(st.tuples(FIGURES, FIGURES), max_size=8), st.text())
def test_any_bars_make_a_plot(bars: list[tuple[float, float]], name: str) -> None:
    plot = BarPlot(name, name, [Bar(name, value, name, start) for value, start in bars])
    svg = parsed(plot.svg())
    widths = [float(rectangle.attrib["width"]) for rectangle in svg.findall("rect")]
    assert len(widths) == len(bars)
    assert all(0 < width < 720 for width in widths)


def parsed(svg: str) -> ElementTree.Element:
    """Parse what is ours, without the characters that no XML can hold; browsers read HTML, which can."""
    printable = "".join(character for character in svg if character >= " " and character not in "\ufffe\uffff")
    return ElementTree.fromstring(printable)  # noqa: S314


def test_one_place_stands_in_the_middle_and_plots_begin_at_zero() -> None:
    svg = parsed(LinePlot("t", "x", "y", [Line("a", [(5, 500)])]).svg())
    (circle,) = svg.findall("circle")
    assert 200 < float(circle.attrib["cx"]) < 500
    assert "0" in [text.text for text in svg.findall("text")]


def test_names_are_text_and_never_markup() -> None:
    svg = LinePlot("<b>", "<b>", "<b>", [Line("<script>", [(1, 1), (2, 2)])]).svg()
    svg += BarPlot("<b>", "<b>", [Bar("<script>", 1, "<script>")]).svg()
    assert "<script" not in svg
    assert "<b>" not in svg


def test_higher_values_stand_higher_and_a_level_runs_across() -> None:
    svg = parsed(LinePlot("t", "x", "y", [Line("a", [(1, 10), (2, 30)]), level("floor", 20)]).svg())
    low, high = (float(circle.attrib["cy"]) for circle in svg.findall("circle"))
    (across,) = (line for line in svg.findall("line") if line.attrib["class"] == "level")
    assert high < float(across.attrib["y1"]) < low
    assert "a: 30 at 2" in "".join(svg.itertext())


@given(FIGURES, st.floats(1e-6, 1e6))
def test_ticks_are_few_and_hold_the_range(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 8
    assert found[0] <= low + span * 1e-6
    assert found[-1] >= (low + span) * (1 - 1e-6)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.00551, "0.00551"), (283.4, "283"), (1200, "1200"), (2.5, "2.5"), (-0.5, "-0.5")]
)
def test_numbers_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text
