"""Many simulated calls and what was found in them; the same call again from its seed."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from bench.sim.invariants import Broken, broken
from bench.sim.loop import START_S, Deadlock
from bench.sim.record import Record, trace_of
from bench.sim.scenario import FAULTS, Scenario, draw, seeds
from bench.sim.world import scratch, simulate

_AGAIN_EVERY: Final = 50  # one call in so many runs twice: the same seed must leave the same trace


@dataclass(frozen=True, slots=True)
class Found:
    """A call in which something did not hold."""

    seed: int
    persona: str
    faults: tuple[str, ...]
    broken: list[Broken]


@dataclass(slots=True)
class Outcome:
    calls: int = 0
    wall_s: float = 0.0
    simulated_s: float = 0.0
    turns: int = 0
    trace: str = ""
    personas: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.found


def one(scenario: Scenario, folder: Path) -> tuple[Record, list[Broken]]:
    """Run one call and check it; one that cannot be run to its end is broken too."""
    try:
        record = simulate(scenario, folder)
    except (Deadlock, Exception) as error:  # noqa: BLE001 - whatever it is, it is this call's finding
        record = Record(scenario.seed, scenario.persona, scenario.faults)
        return record, [Broken("a terminal state", f"{type(error).__name__}: {_root(error)!r}")]
    return record, broken(record)


def many(
    first: int,
    calls: int,
    personas: Sequence[str] = (),
    faults: Sequence[str] = FAULTS,
    tell: Callable[[Found], None] = lambda found: None,
) -> Outcome:
    """Run calls of a run's seeds, one after another."""
    quiet()
    outcome = Outcome(calls)
    began_s = time.perf_counter()
    traces: list[str] = []
    for number, seed in enumerate(seeds(first, calls)):
        scenario = draw(seed, personas, faults)
        with scratch() as folder:
            record, faulty = one(scenario, folder)
        traces.append(record.trace())
        if number % _AGAIN_EVERY == 0:
            with scratch() as folder:
                again, _ = one(scenario, folder)
            if again.trace() != traces[-1]:
                faulty.append(Broken("same seed, same trace", f"{traces[-1]} and then {again.trace()}"))
        if faulty:
            found = Found(seed, record.persona, record.faults, faulty)
            outcome.found.append(found)
            tell(found)
        _count(outcome, record)
    outcome.trace = trace_of(traces)
    outcome.wall_s = time.perf_counter() - began_s
    return outcome


def story(record: Record) -> list[str]:
    """Return a call's story, a line each, with the seconds since it began."""
    lines = [(line.at_ms, line.who, line.text) for line in record.story]
    lines += [
        (span.start_ms, "agent", f"is heard for {span.end_ms - span.start_ms:.0f} ms") for span in record.agent_sound
    ]
    told = [f"      {event.seq:4}  {event.body}" for event in record.events]
    return [
        *(
            f"{at_ms / 1_000 - START_S:10.3f}  {who:10}  {text}"
            for at_ms, who, text in sorted(lines, key=lambda line: line[0])
        ),
        "events:",
        *told,
    ]


def _count(outcome: Outcome, record: Record) -> None:
    outcome.simulated_s += max(0.0, record.run_ms / 1_000 - START_S)
    turns = record.turns()
    outcome.turns += len(turns)
    outcome.personas[record.persona] = outcome.personas.get(record.persona, 0) + 1
    for fault in record.faults:
        outcome.faults[fault] = outcome.faults.get(fault, 0) + 1
    ended = record.outcome
    outcome.outcomes[ended] = outcome.outcomes.get(ended, 0) + 1


def _root(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def quiet() -> None:
    """Log nothing: what a call logs is no part of its story."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
