"""A recording's turn table as figures and as text. Sans-I/O."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from bench.load_report import Spread, spread
from bench.turn_table.agreement import Difference, differences
from bench.turn_table.echo import echo_levels
from bench.turn_table.rows import Kind, Overlap, Row, Who, overlaps_of, rows_of, silences_of
from bench.turn_table.spurts import Samples, Spurt, spurts_of

LONG_GAP_MS: Final = 1_200  # people answer within about 0.2 s; after this long they ask whether somebody is there
HALT_MS: Final = 500  # of the agent between two sentences: its voices pause for some 0.35 s
LONG_SILENCE_MS: Final = 2_000
LONG_OVERLAP_MS: Final = 500  # the agent over the caller: a collision is over before this, talking somebody down is not


class Silence(msgspec.Struct, frozen=True):
    started_ms: int
    ended_ms: int

    @property
    def ms(self) -> int:
        return self.ended_ms - self.started_ms


class TurnTable(msgspec.Struct, frozen=True, kw_only=True):
    """One recording."""

    name: str
    duration_ms: int
    rows: tuple[Row, ...]
    to_agent_ms: Spread  # silent gaps from the caller's talk to the agent's
    to_caller_ms: Spread
    overlaps: int
    overlap_ms: int
    agent_over_caller_ms: int  # the longest that the agent began and the caller spoke through
    yielded_ms: Spread  # from the caller's barge-in until the agent was silent
    longest_silence: Silence | None  # of both, between the first sound and the last
    caller_share: float  # of the recording's time
    agent_share: float
    told: tuple[str, ...]  # what a listener would notice
    echo: bool = False  # the agent came back on the caller's channel, and was left out there
    differences: tuple[Difference, ...] = ()  # from what the call's own events say; empty where they were not asked


def turn_table(
    name: str, caller: Samples, agent: Samples, rate_hz: int, turns: Sequence[Mapping[str, Any]] = ()
) -> TurnTable:
    """Return the table of a recording.

    Args:
        caller, agent: (samples,) of int16's range, of the same length.
        turns: as the call's summary tells them, to be compared; none: the sound stands alone.
    """
    echo = echo_levels(caller, agent, rate_hz)
    theirs, ours = spurts_of(caller, rate_hz, echo), spurts_of(agent, rate_hz)
    rows, overlaps = rows_of(theirs, ours), overlaps_of(theirs, ours)
    silences = [Silence(*span) for span in silences_of(theirs, ours)]
    duration_ms = len(caller) * 1000 // rate_hz
    return TurnTable(
        name=name,
        duration_ms=duration_ms,
        rows=tuple(rows),
        to_agent_ms=spread(_gaps(rows, Who.AGENT)),
        to_caller_ms=spread(_gaps(rows, Who.CALLER)),
        overlaps=len(overlaps),
        overlap_ms=sum(overlap.ms for overlap in overlaps),
        agent_over_caller_ms=max((one.ms for one in overlaps if one.begun_by is Who.AGENT), default=0),
        yielded_ms=spread([-(row.before_ms or 0) for row in rows if row.kind is Kind.BARGE_IN]),
        longest_silence=max(silences, key=lambda silence: silence.ms, default=None),
        caller_share=_share(sum(spurt.ms for spurt in theirs), duration_ms),
        agent_share=_share(sum(spurt.ms for spurt in ours), duration_ms),
        told=tuple(_told(rows, overlaps, silences, _halts(rows, ours), duration_ms)),
        echo=echo is not None,
        differences=tuple(differences(turns, theirs, ours)) if turns else (),
    )


def text_of(table: TurnTable) -> str:
    """Return the table as lines for people."""
    echo = ", on a loudspeaker: the agent's echo is left out" if table.echo else ""
    lines = [
        f"{table.name}, {_s(table.duration_ms)} s{echo}",
        f"{'start':>8}{'end':>8}  {'who':<8}{'before':>8}{'over':>7}  kind",
    ]
    for row in table.rows:
        before = "" if row.before_ms is None else f"{row.before_ms / 1000:+.2f}"
        over = f"{row.overlap_ms / 1000:.2f}" if row.overlap_ms else ""
        lines.append(f"{_s(row.started_ms):>8}{_s(row.ended_ms):>8}  {row.who:<8}{before:>8}{over:>7}  {row.kind}")
    for name, gaps in (("caller to agent", table.to_agent_ms), ("agent to caller", table.to_caller_ms)):
        lines.append(f"gaps {name}: {_of(gaps)}")
    lines.append(
        f"overlaps: {table.overlaps}, {_s(table.overlap_ms)} s in all; the agent over the caller at most "
        f"{_s(table.agent_over_caller_ms)} s; silent after a barge-in: {_of(table.yielded_ms)}"
    )
    if table.longest_silence is not None:
        silence = table.longest_silence
        lines.append(f"longest silence of both: {_s(silence.ms)} s from {_s(silence.started_ms)}")
    lines.append(f"talk: caller {table.caller_share:.0%}, agent {table.agent_share:.0%}")
    lines += [f"! {one}" for one in table.told]
    lines += [f"? {one.text}" for one in table.differences]
    return "\n".join(lines)


def overview(tables: Sequence[TurnTable]) -> str:
    """Return one line for each recording."""
    width = max([len("recording"), *(len(table.name) for table in tables)])
    lines = [
        f"{'recording':<{width}}{'gap p50':>8}{'p95':>7}{'max':>7}{'overlaps':>10}{'in all':>8}{'agent over':>12}"
        f"{'silence':>9}{'agent':>7}{'noticed':>9}"
    ]
    for table in tables:
        gaps = table.to_agent_ms
        cells = [f"{value / 1000:.2f}" if value is not None else "–" for value in (gaps.p50, gaps.p95, gaps.max)]
        silence = table.longest_silence.ms if table.longest_silence is not None else 0
        lines.append(
            f"{table.name:<{width}}{cells[0]:>8}{cells[1]:>7}{cells[2]:>7}{table.overlaps:>10}{_s(table.overlap_ms):>8}"
            f"{_s(table.agent_over_caller_ms):>12}{_s(silence):>9}{table.agent_share:>7.0%}{len(table.told):>9}"
        )
    return "\n".join(lines)


def _gaps(rows: Sequence[Row], to: Who) -> list[float]:
    return [row.before_ms for row in rows if row.who is to and row.kind is Kind.TURN and row.before_ms is not None]


def _halts(rows: Sequence[Row], agent: Sequence[Spurt]) -> list[Silence]:
    """Return where the agent is silent in the middle of its talk for longer than between sentences."""
    talks = [row for row in rows if row.who is Who.AGENT]
    halts = [Silence(one.ended_ms, two.started_ms) for one, two in pairwise(agent)]
    return [
        halt
        for halt in halts
        if halt.ms > HALT_MS and any(row.started_ms < halt.started_ms and halt.ended_ms < row.ended_ms for row in talks)
    ]


def _told(
    rows: Sequence[Row],
    overlaps: Sequence[Overlap],
    silences: Sequence[Silence],
    halts: Sequence[Silence],
    duration_ms: int,
) -> list[str]:
    """Return what somebody who listens would notice, in the order in which it is heard."""
    found = [
        (row.started_ms, f"the agent answers after {_s(row.before_ms)} s")
        for row in rows
        if row.who is Who.AGENT and row.kind is Kind.TURN and row.before_ms is not None and row.before_ms > LONG_GAP_MS
    ]
    found += [
        (one.started_ms, f"the agent begins while the caller speaks, and both are heard for {_s(one.ms)} s")
        for one in overlaps
        if one.begun_by is Who.AGENT
    ]
    found += [
        (one.started_ms, f"the agent speaks on for {_s(one.ms)} s over a caller who began")
        for one in overlaps
        if one.begun_by is Who.CALLER and one.ms > LONG_OVERLAP_MS
    ]
    found += [(one.started_ms, f"nobody is heard for {_s(one.ms)} s") for one in silences if one.ms > LONG_SILENCE_MS]
    found += [(one.started_ms, f"the agent halts for {_s(one.ms)} s in the middle of its talk") for one in halts]
    if rows and max(rows, key=lambda row: row.ended_ms).ended_ms >= duration_ms - 20:
        last = max(rows, key=lambda row: row.ended_ms)
        found.append((last.ended_ms, f"the call ends while the {last.who} speaks"))
    return [f"{_s(at_ms)}: {text}" for at_ms, text in sorted(found)]


def _of(values: Spread) -> str:
    if not values.count or values.p50 is None or values.p95 is None or values.max is None:
        return "none"
    return f"{values.count}, p50 {values.p50 / 1000:.2f}, p95 {values.p95 / 1000:.2f}, max {values.max / 1000:.2f} s"


def _s(ms: float | None) -> str:
    return "–" if ms is None else f"{ms / 1000:.2f}"


def _share(part_ms: int, whole_ms: int) -> float:
    return round(part_ms / whole_ms, 3) if whole_ms else 0.0
