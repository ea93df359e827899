"""Plots as inline SVG for the bench's reports: lines over a number of calls, and bars. No I/O, no script, no library.

Colours are CSS variables of the page (`--series-0` and on), so that a plot reads in light and dark; every mark has a
`<title>`, which browsers show under the pointer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

SERIES_MAX: Final = 6  # colours of the page
SPAN_MIN: Final = 1e-9  # less is one figure: nothing that is measured differs by so little
_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 132, 16, 44
_LABEL_GAP: Final = 15  # between labels at the ends of lines
_TICKS: Final = 5
_BAR, _BAR_GAP, _BAR_CHARS, _CHAR_WIDTH = 18, 8, 44, 6.6


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (x, y), or a level drawn across the plot when there is one y for all x."""

    name: str
    points: Sequence[tuple[float, float]]
    level: bool = False


@dataclass(frozen=True, slots=True)
class LinePlot:
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    note: str = ""

    def svg(self) -> str:
        return _line_svg(self)


@dataclass(frozen=True, slots=True)
class Bar:
    """From `start` to `start + value`; bars of one `group` have one colour."""

    name: str
    value: float
    group: str = ""
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars one under the other; with starts it is a waterfall."""

    title: str
    unit: str
    bars: Sequence[Bar]
    note: str = ""

    def svg(self) -> str:
        return _bar_svg(self)


Plot = LinePlot | BarPlot


def level(name: str, y: float) -> Line:
    """Return a line across the whole plot, such as a floor or a limit."""
    return Line(name, ((0.0, y),), level=True)


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from at most `low` to at least `high`, some five of them."""
    if high - low < SPAN_MIN * max(1.0, abs(low)):
        high = low + max(1.0, abs(low))
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * factor for factor in (1, 2, 2.5, 5) if raw <= power * factor), power * 10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def number(value: float) -> str:
    """Return a figure with three digits that mean something."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _line_svg(plot: LinePlot) -> str:
    xs = sorted({x for line in plot.lines if not line.level for x, _ in line.points})
    ys = [y for line in plot.lines for _, y in line.points]
    if not xs:
        return _nothing()
    steps = ticks(min(0.0, *ys), max(ys))  # from zero: a plot must not make much of little
    across = _scale(xs[0], xs[-1], _LEFT, _WIDTH - _RIGHT)
    up = _scale(steps[0], steps[-1], _HEIGHT - _BOTTOM, _TOP)
    parts = [_open(_HEIGHT, plot.title)]
    for step in steps:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(step)}" y2="{up(step)}"/>')
        parts.append(_text(_LEFT - 8, up(step) + 4, number(step), "end"))
    parts += [_text(across(x), _HEIGHT - _BOTTOM + 18, number(x), "middle") for x in _apart(xs, across)]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, plot.x_label, "middle", "axis"))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="axis" text-anchor="middle" transform="translate(14 {middle}) rotate(-90)">'
        f"{escape(plot.y_label)}</text>"
    )
    ends = []
    for place, line in enumerate(plot.lines):
        if not line.points:
            continue
        colour = "var(--quiet)" if line.level else f"var(--series-{place % SERIES_MAX})"
        if line.level:
            y = up(line.points[0][1])
            parts.append(
                f'<line class="level" style="stroke:{colour}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
            )
        else:
            spots = " ".join(f"{across(x)},{up(y)}" for x, y in line.points)
            parts.append(f'<polyline class="line" style="stroke:{colour}" points="{spots}"/>')
            parts += [
                f'<circle style="fill:{colour}" cx="{across(x)}" cy="{up(y)}" r="3.5">'
                f"<title>{escape(line.name)}: {number(y)} at {number(x)}</title></circle>"
                for x, y in line.points
            ]
        ends.append((up(line.points[-1][1]), line.name, colour))
    parts += [
        f'<text class="name" style="fill:{colour}" x="{_WIDTH - _RIGHT + 10}" y="{y + 4}">{escape(name)}</text>'
        for y, name, colour in _spread_out(ends)
    ]
    return "".join([*parts, "</svg>"])


def _bar_svg(plot: BarPlot) -> str:
    if not plot.bars:
        return _nothing()
    groups = list(dict.fromkeys(bar.group for bar in plot.bars))
    steps = ticks(min(0.0, *(bar.start for bar in plot.bars)), max(bar.start + bar.value for bar in plot.bars))
    left = round(min(_BAR_CHARS, max(len(bar.name) for bar in plot.bars)) * _CHAR_WIDTH) + 16
    across = _scale(steps[0], steps[-1], left, _WIDTH - 70)
    height = _TOP + len(plot.bars) * (_BAR + _BAR_GAP) + _BOTTOM
    foot = height - _BOTTOM
    parts = [_open(height, plot.title)]
    for step in steps:
        parts.append(f'<line class="grid" x1="{across(step)}" x2="{across(step)}" y1="{_TOP}" y2="{foot}"/>')
        parts.append(_text(across(step), foot + 16, number(step), "middle"))
    parts.append(_text((left + _WIDTH - 70) / 2, height - 6, plot.unit, "middle", "axis"))
    for place, bar in enumerate(plot.bars):
        y = _TOP + place * (_BAR + _BAR_GAP)
        colour = f"var(--series-{groups.index(bar.group) % SERIES_MAX})"
        name = bar.name if len(bar.name) <= _BAR_CHARS else bar.name[: _BAR_CHARS - 1] + "…"
        width = max(1.0, round(across(bar.start + bar.value) - across(bar.start), 1))
        said = f"{bar.group + ', ' if bar.group else ''}{bar.name}: {number(bar.value)} {plot.unit}"
        parts.append(_text(left - 10, y + _BAR - 5, name, "end"))
        parts.append(
            f'<rect style="fill:{colour}" x="{across(bar.start)}" y="{y}" width="{width}" height="{_BAR}" rx="2">'
            f"<title>{escape(said)}</title></rect>"
        )
        parts.append(_text(across(bar.start + bar.value) + 6, y + _BAR - 5, number(bar.value), "start"))
    return "".join([*parts, "</svg>"])


class _Scale:
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        alone = not high > low  # one place only: in the middle
        self._low, self._start = low, (start + end) / 2 if alone else start
        self._a_unit = 0.0 if alone else (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        return round(self._start + (value - self._low) * self._a_unit, 1)


def _scale(low: float, high: float, start: float, end: float) -> _Scale:
    return _Scale(low, high, start, end)


def _apart(xs: Sequence[float], across: _Scale) -> list[float]:
    """Return the places that get a number: those that leave each other room."""
    kept: list[float] = []
    for x in xs:
        if not kept or across(x) - across(kept[-1]) >= 26:
            kept.append(x)
    return kept


def _spread_out(ends: Sequence[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Move labels apart that would cover each other."""
    placed: list[tuple[float, str, str]] = []
    for y, name, colour in sorted(ends):
        above = placed[-1][0] + _LABEL_GAP if placed else y
        placed.append((max(y, above), name, colour))
    return placed


def _open(height: float, title: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" text-anchor="{anchor}" x="{x}" y="{y}">{escape(text)}</text>'


def _nothing() -> str:
    return '<p class="note">Nothing was measured.</p>'
