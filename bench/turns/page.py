"""The report on turn-taking: what each way cuts, how late it answers, and what stops the agent that should not."""

from collections.abc import Callable
from typing import Final

from bench.plots import Bar, BarPlot
from bench.report_page import Page, Table
from bench.turns.figures import FloorFigures, TurnFigures, TurnsReport, ms

_MEANINGS: Final = {
    "silence alone": "384 ms of silence end a turn: the product without words and smart-turn.",
    "words": "The table of agent/turns/ending.py with the words that were said, each known 200 ms after its end.",
    "sound": "The table with smart-turn, and no words before the turn is over.",
    "words and sound": "Both: the product with SALESOS_SMART_TURN=on.",
    "pipecat default": "Its voice activity and smart-turn with their defaults; every start of speech interrupts.",
    "cut": "Scenes in which the agent began to speak before the prospect had finished.",
    "delay": "From the last sample of the prospect's speech to the agent's first; minds take no time.",
    "wrong": "Gave up what it was saying though nobody interrupted, or went on though somebody did.",
    "hole": "How long the agent was silent before it went on where it had stopped.",
}


def page(figures: TurnsReport) -> Page:
    systems = list(figures.turns)
    cut = {system: sum(one.cut for one in figures.turns[system].values()) for system in systems}
    scenes = {system: sum(one.scenes for one in figures.turns[system].values()) for system in systems}
    return Page(
        title="Taking turns",
        summary="Of the scenes in which the prospect speaks were cut: "
        + ", ".join(f"{cut[system]} of {scenes[system]} ({system})" for system in systems)
        + ".",
        results={f"cut, {system}": f"{cut[system]} of {scenes[system]}" for system in systems},
        plots=[
            _turns(figures, "Scenes that were cut", "scenes", lambda one: one.cut),
            _turns(figures, "Delay of the answer, median", "ms", lambda one: one.delay_p50_ms),
            _floor(figures, "Wrong about who has the floor", "scenes", lambda one: one.wrong),
        ],
        tables=[_turn_table(figures), _floor_table(figures)],
        meanings=_MEANINGS,
        facts={"recordings": ", ".join(figures.recordings) or "none", **figures.facts},
    )


def _turns(figures: TurnsReport, title: str, unit: str, value: Callable[[TurnFigures], float | None]) -> BarPlot:
    bars = [
        Bar(f"{group}, {system}", found, "pipecat" if system.startswith("pipecat") else "ours")
        for system, of in figures.turns.items()
        for group, one in of.items()
        if (found := value(one)) is not None
    ]
    return BarPlot(title, unit, bars)


def _floor(figures: TurnsReport, title: str, unit: str, value: Callable[[FloorFigures], float | None]) -> BarPlot:
    bars = [
        Bar(f"{group}, {system}", found, "pipecat" if system.startswith("pipecat") else "ours")
        for system, of in figures.floor.items()
        for group, one in of.items()
        if (found := value(one)) is not None
    ]
    return BarPlot(title, unit, bars)


def _turn_table(figures: TurnsReport) -> Table:
    rows = [
        (
            f"{group}: {system}",
            str(one.scenes),
            str(one.cut),
            str(one.cuts),
            str(one.unanswered),
            ms(one.delay_p50_ms),
            ms(one.delay_p95_ms),
        )
        for system, of in figures.turns.items()
        for group, one in of.items()
    ]
    columns = ["scenes", "number", "cut", "cuts in all", "unanswered", "delay p50 ms", "p95 ms"]
    return Table("The prospect speaks", columns, rows)


def _floor_table(figures: TurnsReport) -> Table:
    rows = [
        (
            f"{group}: {system}",
            str(one.scenes),
            str(one.wrong),
            str(one.stopped),
            ms(one.stop_p50_ms),
            ms(one.stop_p95_ms),
            ms(one.held_p50_ms),
        )
        for system, of in figures.floor.items()
        for group, one in of.items()
    ]
    columns = ["scenes", "number", "wrong", "held", "stop p50 ms", "p95 ms", "hole p50 ms"]
    return Table("Over the agent's voice", columns, rows)
