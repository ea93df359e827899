"""What `salesos bench crm` finds, and what of it must hold. Sans-I/O.

A figure is named as in the JSON file, with a dot for each level: "ratio.hot" is `{"ratio": {"hot": …}}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.report_page import Page, Table


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


GOALS: Final[Mapping[str, Goal]] = {
    "postings_per_s.spread": Goal("debits a second, spread over 1 000 wallets"),
    "postings_per_s.hot": Goal("debits a second, all of one wallet"),
    "ratio.spread": Goal("to a plain debit function called one by one, spread", at_least=1.3),
    "ratio.hot": Goal("to a plain debit function called one by one, one wallet", at_least=1.6),
    "events_per_s": Goal("events of calls consumed a second", at_least=2_000),
    "import_rows_per_s": Goal("rows imported a second and core, checked and without doubles", at_least=4_000),
    "p99_ms.leads": Goal("a page of leads among a million, at any depth", at_most=50),
    "p99_ms.timeline": Goal("a page of a timeline among ten million rows, at any depth", at_most=50),
}


@dataclass(frozen=True, slots=True)
class Report:
    small: bool
    figures: Mapping[str, float]  # by the names of GOALS

    @property
    def missing(self) -> Sequence[str]:
        """Names of what was not measured."""
        return [name for name in GOALS if name not in self.figures]

    @property
    def missed(self) -> Sequence[str]:
        """Names of what was measured and falls short of its goal."""
        return [name for name, value in self.figures.items() if not GOALS[name].holds(value)]

    @property
    def good(self) -> bool:
        return not self.missing and not self.missed


def merge(found: Mapping[str, float], more: Mapping[str, float]) -> Mapping[str, float]:
    """Return both measures' figures as one.

    Raises:
        ValueError: a figure that is not named in GOALS, or that another measure has given.
    """
    for name in more:
        if name not in GOALS:
            raise ValueError(f"{name!r} is no figure of GOALS")
        if name in found:
            raise ValueError(f"{name!r} is given by two measures")
    return {**found, **more}


def nested(report: Report) -> dict[str, Any]:
    """Return what the JSON file holds: the figures by level, and the names of those that miss or were not measured."""
    told: dict[str, Any] = {}
    for name, value in report.figures.items():
        group, _, member = name.partition(".")
        if member:
            told.setdefault(group, {})[member] = value
        else:
            told[name] = value
    return told | {
        "small": report.small,
        "good": report.good,
        "missed": list(report.missed),
        "not_measured": list(report.missing),
    }


def table(report: Report) -> str:
    """Return a line for each figure, and the verdict."""
    lines = [f"{'figure':<24}{'found':>12}  {'goal':<16}meaning"]
    for name, goal in GOALS.items():
        found = f"{report.figures[name]:,.1f}" if name in report.figures else "not measured"
        mark = "  MISSED" if name in report.missed else ""
        lines.append(f"{name:<24}{found:>12}  {goal!s:<16}{goal.meaning}{mark}")
    if report.small:
        lines.append("with a tenth of the data")
    if report.missing:
        lines.append(f"{len(report.missing)} of {len(GOALS)} figures have no measure yet or were not asked for")
    lines.append("every goal is met" if report.good else f"{len(report.missed)} goals missed")
    return "\n".join(lines)


def page(report: Report) -> Page:
    """Return the report page."""
    rows = [
        (name, f"{report.figures[name]:,.1f}" if name in report.figures else "not measured", str(goal))
        for name, goal in GOALS.items()
    ]
    return Page(
        title="The CRM under load",
        summary="Every goal is met." if report.good else table(report).splitlines()[-1] + ".",
        tables=[Table("Figures", ("figure", "found", "goal"), rows)],
        meanings={name: goal.meaning for name, goal in GOALS.items()},
        facts={"data": "a tenth" if report.small else "whole"},
    )
