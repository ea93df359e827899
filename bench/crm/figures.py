"""What `salesos bench crm` finds, and what of it must hold. Sans-I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import goal
from bench.goal import Goal
from bench.report_page import Page, Table

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
        return goal.missing(GOALS, self.figures)

    @property
    def missed(self) -> Sequence[str]:
        """Names of what was measured and falls short of its goal."""
        return goal.missed(GOALS, self.figures)

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
    return goal.nested(report.figures) | {
        "small": report.small,
        "good": report.good,
        "missed": list(report.missed),
        "not_measured": list(report.missing),
    }


def table(report: Report) -> str:
    """Return a line for each figure, and the verdict."""
    lines = goal.lines(GOALS, report.figures)
    if report.small:
        lines.append("with a tenth of the data")
    if report.missing:
        lines.append(f"{len(report.missing)} of {len(GOALS)} figures have no measure yet or were not asked for")
    lines.append("every goal is met" if report.good else f"{len(report.missed)} goals missed")
    return "\n".join(lines)


def page(report: Report) -> Page:
    """Return the report page."""
    return Page(
        title="The CRM under load",
        summary="Every goal is met." if report.good else table(report).splitlines()[-1] + ".",
        tables=[Table("Figures", ("figure", "found", "goal"), goal.rows(GOALS, report.figures))],
        meanings={name: one.meaning for name, one in GOALS.items()},
        facts={"data": "a tenth" if report.small else "whole"},
    )
