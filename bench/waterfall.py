"""Where the time of an answer goes: from the last heard syllable to the first played one, by stage. Sans-I/O.

A row is one answer as the call's summary tells it: for each stage the milliseconds since the caller's last voiced
sample, None for a stage that was not seen.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from bench.load_report import Spread, ms, spread
from bench.plots import Bar, BarPlot
from bench.report_page import Table

STAGES: Final[Mapping[str, str]] = {
    "vad_ms": "voice activity says silence",
    "end_of_turn_ms": "the turn is over",
    "transcript_ms": "words known",
    "first_token_ms": "model's first word",
    "first_audio_ms": "first speech made",
    "sent_ms": "sent to the carrier",
    "played_ms": "played, by the carrier's mark",
}
_WIDTH: Final = 48  # characters of the longest bar

Row = Mapping[str, int | None]


class Stage(msgspec.Struct, frozen=True):
    name: str
    reached_ms: Spread  # since the caller's last voiced sample
    took_ms: Spread  # since the stage before it in the same answer


def stages_of(rows: Sequence[Row]) -> tuple[Stage, ...]:
    """Return the figures of each stage, in the order in which an answer goes through them."""
    reached: dict[str, list[float]] = {name: [] for name in STAGES}
    took: dict[str, list[float]] = {name: [] for name in STAGES}
    for row in rows:
        before = 0
        for name in STAGES:
            moment = row.get(name)
            if moment is None:
                continue
            reached[name].append(moment)
            # A stage may run ahead of the one before it: words can be known before the turn is over.
            took[name].append(max(0, moment - before))
            before = max(before, moment)
    return tuple(Stage(name, spread(reached[name]), spread(took[name])) for name in STAGES)


def table(stages: Sequence[Stage]) -> str:
    """Return the stages as lines with bars for people: what each took at the median, where it began."""
    end = max((stage.reached_ms.p50 or 0.0 for stage in stages), default=0.0)
    lines = [f"{'stage':<30}{'n':>5}{'took p50':>10}{'p95':>7}{'at p50':>9}{'p95':>7}"]
    for stage in stages:
        if not stage.reached_ms.count:
            continue
        at, took = stage.reached_ms, stage.took_ms
        start = round(max(0.0, (at.p50 or 0.0) - (took.p50 or 0.0)) / end * _WIDTH) if end else 0
        length = max(1, round((took.p50 or 0.0) / end * _WIDTH)) if end else 1
        lines.append(
            f"{STAGES[stage.name]:<30}{at.count:>5}{ms(took.p50):>10}{ms(took.p95):>7}{ms(at.p50):>9}{ms(at.p95):>7}"
            f"  {' ' * start}{'█' * length}"
        )
    return "\n".join(lines)


def plot(stages: Sequence[Stage]) -> BarPlot:
    """Return the waterfall of the median answer."""
    bars = [
        Bar(STAGES[stage.name], took, stage.name, max(0.0, (stage.reached_ms.p50 or 0.0) - took))
        for stage in stages
        if (took := stage.took_ms.p50) is not None
    ]
    return BarPlot("From the last syllable heard to the first one played", "ms", bars, "Medians of each stage.")


def page_table(stages: Sequence[Stage]) -> Table:
    rows = [
        (
            STAGES[stage.name],
            str(stage.reached_ms.count),
            *(
                ms(value)
                for value in (stage.took_ms.p50, stage.took_ms.p95, stage.reached_ms.p50, stage.reached_ms.p95)
            ),
        )
        for stage in stages
    ]
    return Table("Stages in ms", ("stage", "answers", "took p50", "took p95", "at p50", "at p95"), rows)
