"""Figures of a bench and the goals that they are held against. Sans-I/O.

A figure is named as in the JSON file, with a dot for each level: "ratio.hot" is `{"ratio": {"hot": …}}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_SMALL: Final = 10.0  # below, a figure is told with as many digits as matter


@dataclass(frozen=True, slots=True)
class Goal:
    """Both bounds include themselves; without either the figure is only told."""

    meaning: str
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        # A figure that is no number holds nothing.
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most) and value == value

    def __str__(self) -> str:
        low = [] if self.at_least is None else [f"at least {self.at_least:g}"]
        return ", ".join(low + ([] if self.at_most is None else [f"at most {self.at_most:g}"])) or "-"


Goals = Mapping[str, Goal]
Figures = Mapping[str, float]


def missing(goals: Goals, figures: Figures) -> Sequence[str]:
    """Return the names of what was not measured."""
    return [name for name in goals if name not in figures]


def missed(goals: Goals, figures: Figures) -> Sequence[str]:
    """Return the names of what was measured and falls short of its goal."""
    return [name for name, value in figures.items() if not goals[name].holds(value)]


def nested(figures: Figures) -> dict[str, Any]:
    """Return the figures by level."""
    told: dict[str, Any] = {}
    for name, value in figures.items():
        group, _, member = name.partition(".")
        if member:
            told.setdefault(group, {})[member] = value
        else:
            told[name] = value
    return told


def rows(goals: Goals, figures: Figures) -> list[tuple[str, str, str]]:
    """Return each figure's name, what was found, and its goal."""
    return [(name, _told(figures.get(name)), str(goal)) for name, goal in goals.items()]


def lines(goals: Goals, figures: Figures) -> list[str]:
    """Return a heading, and a line for each figure."""
    short = missed(goals, figures)
    told = [f"{'figure':<24}{'found':>12}  {'goal':<16}meaning"]
    for name, found, goal in rows(goals, figures):
        mark = "  MISSED" if name in short else ""
        told.append(f"{name:<24}{found:>12}  {goal:<16}{goals[name].meaning}{mark}")
    return told


def _told(value: float | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:,.1f}" if abs(value) >= _SMALL or value != value else f"{value:.3g}"
