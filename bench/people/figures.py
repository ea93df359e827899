"""What `salesos bench people` finds, and what of it must hold. Sans-I/O."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Self

import msgspec

from bench import goal
from bench.carrier_client import Tally
from bench.goal import Goal
from bench.load_report import Spread, ms, spread
from bench.report_page import Page, Table

GOALS: Final[Mapping[str, Goal]] = {
    "mouth_to_ear_ms.p50": Goal("sound between softphone and carrier, added by us; the slower way", at_most=120),
    "mouth_to_ear_ms.p95": Goal("the same", at_most=120),
    "click_to_audio_ms.p50": Goal("from the click to the first sound of a listener"),
    "click_to_audio_ms.p95": Goal("the same", at_most=500),
    "core_per_leg": Goal("of a core, for a person who talks by WebRTC", at_most=0.04),
    "core_per_listener": Goal("of a core, for one who listens by a socket", at_most=0.003),
    "drift_ms": Goal("by which the p95 of a call's packets is later with all listeners on it", at_most=10),
    "underruns": Goal("in that call with all listeners on it", at_most=0),
}
UNHEARD_SHARE_MAX: Final = 0.02  # of bursts: a lost one is the network's, more are a fault of somebody's


@dataclass(frozen=True, slots=True)
class Sound:
    """Delays in ms; the ways through us without what the ends take themselves."""

    without_us: Spread
    to_prospect: Spread
    to_person: Spread
    unheard: int  # bursts that never arrived
    spoken: int

    @classmethod
    def of(
        cls, direct: Sequence[float], to_prospect: Sequence[float | None], to_person: Sequence[float | None]
    ) -> Self:
        """Take what was found; None is a burst that was not heard. Raises ValueError: nothing was heard at all."""
        if not direct:
            raise ValueError("two phones did not hear each other directly")
        ends_ms = median(direct)
        ways = [[delay - ends_ms for delay in way if delay is not None] for way in (to_prospect, to_person)]
        spoken = len(to_prospect) + len(to_person)
        if not all(ways):
            raise ValueError("prospect and person did not hear each other")
        return cls(spread(direct), spread(ways[0]), spread(ways[1]), spoken - sum(map(len, ways)), spoken)

    @property
    def slower(self) -> Spread:
        """Of both ways."""
        return max(self.to_prospect, self.to_person, key=lambda way: way.p95 or 0.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a call's prospect noticed of the agent's sound."""

    jitter_ms: Spread  # how far packets came from one after the other in real time
    ahead_ms: Spread  # what was left to play when the next came
    mark_late_ms: Spread  # how long after its sound had played a mark came: 0 while all is in time
    response_ms: Spread
    underruns: int
    unanswered: int


@dataclass(slots=True)
class Pace:
    """Adds up what a tally was told in some windows and not in others."""

    jitter_ms: list[float] = field(default_factory=list)
    ahead_ms: list[float] = field(default_factory=list)
    mark_late_ms: list[float] = field(default_factory=list)
    response_ms: list[float] = field(default_factory=list)
    underruns: int = 0
    unanswered: int = 0

    @contextlib.contextmanager
    def counting(self, tally: Tally) -> Generator[None]:
        """Take what the tally is told while the body runs."""
        values = (
            (self.jitter_ms, tally.pacing_jitter_ms),
            (self.ahead_ms, tally.ahead_ms),
            (self.mark_late_ms, tally.mark_late_ms),
            (self.response_ms, tally.response_ms),
        )
        begun = [len(told) for _, told in values]
        underruns, unanswered = tally.underruns, tally.unanswered
        yield
        for (own, told), at in zip(values, begun, strict=True):
            own += told[at:]
        self.underruns += tally.underruns - underruns
        self.unanswered += tally.unanswered - unanswered

    def seen(self) -> Seen:
        return Seen(
            spread(self.jitter_ms),
            spread(self.ahead_ms),
            spread(self.mark_late_ms),
            spread(self.response_ms),
            self.underruns,
            self.unanswered,
        )


@dataclass(frozen=True, slots=True)
class Listened:
    """One call alone, and with all listeners on it."""

    alone: Seen
    with_all: Seen
    frames: int  # that listeners got
    missing: int  # that they did not

    @property
    def drift_ms(self) -> float:
        """Not a number when the call had no packets to look at."""
        alone, with_all = self.alone.jitter_ms.p95, self.with_all.jitter_ms.p95
        return float("nan") if alone is None or with_all is None else round(with_all - alone, 1)


@dataclass(frozen=True, slots=True)
class Report:
    sound: Sound
    clicks: Spread
    core_per_leg: float
    core_per_listener: float
    listened: Listened
    legs: int
    listeners: int
    void: tuple[str, ...] = ()  # why the figures say nothing

    @property
    def figures(self) -> Mapping[str, float]:
        """By the names of GOALS."""
        nothing = float("nan")
        slower, clicks = self.sound.slower, self.clicks
        return {
            "mouth_to_ear_ms.p50": nothing if slower.p50 is None else slower.p50,
            "mouth_to_ear_ms.p95": nothing if slower.p95 is None else slower.p95,
            "click_to_audio_ms.p50": nothing if clicks.p50 is None else clicks.p50,
            "click_to_audio_ms.p95": nothing if clicks.p95 is None else clicks.p95,
            "core_per_leg": self.core_per_leg,
            "core_per_listener": self.core_per_listener,
            "drift_ms": self.listened.drift_ms,
            "underruns": self.listened.with_all.underruns,
        }

    @property
    def faults(self) -> Sequence[str]:
        """What is wrong beside goals that are missed."""
        sound, listened, found = self.sound, self.listened, []
        if sound.unheard > sound.spoken * UNHEARD_SHARE_MAX:
            found.append(f"{sound.unheard} of {sound.spoken} bursts were not heard")
        if listened.missing:
            found.append(f"{listened.missing} of {listened.frames + listened.missing} frames for listeners were shed")
        if listened.with_all.unanswered:
            found.append(f"{listened.with_all.unanswered} turns of the call with listeners went unanswered")
        return found

    @property
    def good(self) -> bool:
        return not self.void and not self.faults and not goal.missed(GOALS, self.figures)


def core_each(count: int, cores: Sequence[tuple[float, float]]) -> float:
    """Return the share of a core of each of `count`, by windows without and with them: the median of the pairs."""
    return round(median(together - without for without, together in cores) / count, 5)


def told(report: Report) -> dict[str, Any]:
    """Return what the JSON file holds: the figures by level, what they are made of, and whether they are good."""
    return goal.nested(report.figures) | {
        "to_prospect_ms": report.sound.to_prospect,
        "to_person_ms": report.sound.to_person,
        "without_us_ms": report.sound.without_us,
        "bursts": {"spoken": report.sound.spoken, "unheard": report.sound.unheard},
        "clicks_ms": report.clicks,
        "listened": msgspec.to_builtins(report.listened),
        "legs": report.legs,
        "listeners": report.listeners,
        "good": report.good,
        "missed": list(goal.missed(GOALS, report.figures)),
        "faults": list(report.faults),
        "void": list(report.void),
    }


def table(report: Report) -> str:
    """Return a line for each figure, what they are made of, and the verdict."""
    sound, listened = report.sound, report.listened
    lines = goal.lines(GOALS, report.figures)
    lines += [
        f"added by us: to the prospect {_both(sound.to_prospect)}, to the person {_both(sound.to_person)}; two phones"
        f" without us {_both(sound.without_us)}; {sound.spoken - sound.unheard} of {sound.spoken} bursts heard",
        f"one call alone: {_seen(listened.alone)}",
        f"with {report.listeners} listeners: {_seen(listened.with_all)}; they got {listened.frames} frames, and"
        f" {listened.missing} not",
        f"cores: {report.legs} people talked by WebRTC, {report.listeners} listened",
    ]
    lines += [f"FAULT: {fault}" for fault in report.faults]
    lines += [f"VOID: {reason}" for reason in report.void]
    short = goal.missed(GOALS, report.figures)
    lines.append("every goal is met" if not short else f"{len(short)} goals missed")
    return "\n".join(lines)


def page(report: Report) -> Page:
    """Return the report page."""
    return Page(
        title="People on calls",
        summary=f"{table(report).splitlines()[-1].capitalize()}.",
        tables=[Table("Figures", ("figure", "found", "goal"), goal.rows(GOALS, report.figures))],
        meanings={name: one.meaning for name, one in GOALS.items()},
        facts={"people by WebRTC": str(report.legs), "listeners": str(report.listeners)},
    )


def _both(found: Spread) -> str:
    return f"{ms(found.p50)} / {ms(found.p95)} ms"


def _seen(seen: Seen) -> str:
    return (
        f"packets late by {_both(seen.jitter_ms)}, {ms(seen.ahead_ms.p5)} ms ahead (p5),"
        f" marks late by {_both(seen.mark_late_ms)}, answers after {_both(seen.response_ms)},"
        f" {seen.underruns} underruns"
    )
