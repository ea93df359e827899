"""What a way of taking turns is worth: answers that came too early, late or never, and interruptions. Sans-I/O."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from bench.turns.scenes import Scene
from bench.turns.stage import Played

LATE_MS: Final = 4_000  # an answer later than this is none
STOP_MS: Final = 1_500  # an interruption that has not stopped the agent by then was missed


class TurnFigures(msgspec.Struct, frozen=True):
    """Of the scenes of one kind in which the prospect speaks, and an answer is due at the end."""

    scenes: int
    cut: int  # scenes in which the agent spoke before they had finished
    cuts: int  # how often, in all
    unanswered: int
    delay_p50_ms: float | None  # from the last sample of speech to the agent's first, where it was not cut
    delay_p95_ms: float | None


class FloorFigures(msgspec.Struct, frozen=True):
    """Of the scenes of one kind in which something is heard while the agent speaks."""

    scenes: int
    wrong: int  # gave up what it was saying though nobody interrupted, or went on though somebody did
    stopped: int  # was held, for however short
    stop_p50_ms: float | None  # from the first sample to silence
    stop_p95_ms: float | None
    held_p50_ms: float | None  # where it went on: the hole in its speech


class TurnsReport(msgspec.Struct, frozen=True):
    turns: dict[str, dict[str, TurnFigures]]  # by system, by group
    floor: dict[str, dict[str, FloorFigures]]
    recordings: tuple[str, ...]  # names of the files of human speech
    facts: dict[str, str]


def turn_figures(pairs: Sequence[tuple[Scene, Played]]) -> TurnFigures:
    cut = cuts = unanswered = 0
    delays: list[float] = []
    for scene, played in pairs:
        first, last = scene.speech_ms
        early = [at for at in played.spoke_ms if first <= at < last]
        answers = [at - last for at in played.spoke_ms if last <= at <= last + LATE_MS]
        cut += bool(early)
        cuts += len(early)
        unanswered += not (answers or early)
        if answers and not early:
            delays.append(answers[0])
    return TurnFigures(len(pairs), cut, cuts, unanswered, share(delays, 0.5), share(delays, 0.95))


def floor_figures(pairs: Sequence[tuple[Scene, Played]]) -> FloorFigures:
    wrong = stopped = 0
    stops: list[float] = []
    holds: list[float] = []
    for scene, played in pairs:
        first = scene.speech_ms[0]
        after = [at - first for at in played.stopped_ms if 0 <= at - first <= STOP_MS]
        stopped += bool(after)
        if scene.takes_floor:
            wrong += not (after and played.yielded)
        else:
            wrong += played.yielded
        if after:
            stops.append(after[0])
        if after and not played.yielded:
            holds.append(played.held_ms)
    return FloorFigures(len(pairs), wrong, stopped, share(stops, 0.5), share(stops, 0.95), share(holds, 0.5))


def share(values: Sequence[float], part: float) -> float | None:
    """Return the value that `part` of them do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def report(
    scenes: Sequence[Scene], played: Mapping[str, Sequence[Played | None]], facts: Mapping[str, str]
) -> TurnsReport:
    """`played`: by system, in the order of the scenes; None for a scene that a system could not be given."""
    turns: dict[str, dict[str, TurnFigures]] = {}
    floor: dict[str, dict[str, FloorFigures]] = {}
    for system, results in played.items():
        pairs = [(scene, one) for scene, one in zip(scenes, results, strict=True) if one is not None]
        speaking = [pair for pair in pairs if not pair[0].over_agent]
        over = [pair for pair in pairs if pair[0].over_agent]
        turns[system] = {
            group: turn_figures([pair for pair in speaking if pair[0].group == group]) for group in _groups(speaking)
        }
        floor[system] = {
            group: floor_figures([pair for pair in over if pair[0].group == group]) for group in _groups(over)
        }
    human = tuple(scene.name.removeprefix("human/") for scene in scenes if scene.group == "human")
    return TurnsReport(turns, floor, human, dict(facts))


def table(figures: TurnsReport) -> str:
    """Return the comparison as lines for people."""
    lines = [
        f"{'prospect speaks':<18}{'taking turns by':<24}{'scenes':>7}{'cut':>5}{'times':>6}{'unanswered':>12}"
        f"{'delay p50':>11}{'p95':>7}"
    ]
    for group in _all_groups(figures.turns):
        for system, of in figures.turns.items():
            if (one := of.get(group)) is None:
                continue
            lines.append(
                f"{group:<18}{system:<24}{one.scenes:>7}{one.cut:>5}{one.cuts:>6}{one.unanswered:>12}"
                f"{ms(one.delay_p50_ms):>11}{ms(one.delay_p95_ms):>7}"
            )
    lines.append("")
    lines.append(
        f"{'over the agent':<18}{'taking turns by':<24}{'scenes':>7}{'wrong':>7}{'held':>6}"
        f"{'stop p50':>10}{'p95':>7}{'hole p50':>10}"
    )
    for group in _all_groups(figures.floor):
        for system, found in figures.floor.items():
            if (row := found.get(group)) is None:
                continue
            lines.append(
                f"{group:<18}{system:<24}{row.scenes:>7}{row.wrong:>7}{row.stopped:>6}"
                f"{ms(row.stop_p50_ms):>10}{ms(row.stop_p95_ms):>7}{ms(row.held_p50_ms):>10}"
            )
    lines.append("human: " + (", ".join(figures.recordings) or "no recording was given (--recordings)"))
    return "\n".join(lines)


def ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _groups(pairs: Sequence[tuple[Scene, Played]]) -> list[str]:
    return list(dict.fromkeys(scene.group for scene, _ in pairs))


def _all_groups(by_system: Mapping[str, Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(group for of in by_system.values() for group in of))
