"""Many simulated calls and what was found in them; the same call again from its seed."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from agent.stock_phrases import ENGLISH
from bench.sim.invariants import Broken, broken, deliberate_waits
from bench.sim.loop import START_S, Deadlock
from bench.sim.record import Record, trace_of
from bench.sim.scenario import FAULTS, Scenario, draw, seeds
from bench.sim.world import scratch, simulate

_CHUNK: Final = 5  # calls that a process is given at a time
_LATE_PHRASES: Final = (ENGLISH.hello, *ENGLISH.patience)
_AGAIN_EVERY: Final = 50  # one call in so many runs twice: the same seed must leave the same trace


@dataclass(frozen=True, slots=True)
class Found:
    """A call in which something did not hold."""

    seed: int
    persona: str
    faults: tuple[str, ...]
    broken: list[Broken]


@dataclass(frozen=True, slots=True)
class Call:
    """What a run keeps of one call."""

    seed: int
    persona: str
    faults: tuple[str, ...]
    broken: list[Broken]
    trace: str
    outcome: str
    lasted_s: float  # simulated
    turns: int
    waited: int  # answers later than two seconds, to somebody who had broken off
    bridged: int  # answers with a stock phrase in them, because something was late


@dataclass(slots=True)
class Outcome:
    calls: int = 0
    wall_s: float = 0.0
    simulated_s: float = 0.0
    turns: int = 0
    waited: int = 0
    bridged: int = 0
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
    jobs: int = 1,
) -> Outcome:
    """Run calls of a run's seeds, in as many processes as `jobs`; the calls and their order are the same in any."""
    outcome = Outcome(calls)
    began_s = time.perf_counter()
    traces: list[str] = []
    scenarios = [draw(seed, personas, faults) for seed in seeds(first, calls)]
    with contextlib.ExitStack() as stack:
        work = partial(_checked, twice_every=_AGAIN_EVERY)
        if jobs > 1:
            pool = stack.enter_context(ProcessPoolExecutor(jobs))
            done = pool.map(work, enumerate(scenarios), chunksize=_CHUNK)
        else:
            done = map(work, enumerate(scenarios))
        for call in done:
            traces.append(call.trace)
            if call.broken:
                outcome.found.append(Found(call.seed, call.persona, call.faults, call.broken))
                tell(outcome.found[-1])
            _count(outcome, call)
    outcome.trace = trace_of(traces)
    outcome.wall_s = time.perf_counter() - began_s
    return outcome


def _checked(numbered: tuple[int, Scenario], twice_every: int) -> Call:
    """Run one call, some of them twice: the same seed must leave the same trace."""
    quiet()
    number, scenario = numbered
    with scratch() as folder:
        record, faulty = one(scenario, folder)
    trace = record.trace()
    if number % twice_every == 0:
        with scratch() as folder:
            again, _ = one(scenario, folder)
        if again.trace() != trace:
            faulty.append(Broken("same seed, same trace", f"{trace} and then {again.trace()}"))
    lasted_s = max(0.0, record.run_ms / 1_000 - START_S)
    return Call(
        record.seed,
        record.persona,
        record.faults,
        faulty,
        trace,
        record.outcome,
        lasted_s,
        len(record.turns()),
        deliberate_waits(record),
        sum(any(phrase in turn.text for phrase in _LATE_PHRASES) for turn in record.turns()),
    )


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


def _count(outcome: Outcome, call: Call) -> None:
    outcome.simulated_s += call.lasted_s
    outcome.turns += call.turns
    outcome.waited += call.waited
    outcome.bridged += call.bridged
    outcome.personas[call.persona] = outcome.personas.get(call.persona, 0) + 1
    for fault in call.faults:
        outcome.faults[fault] = outcome.faults.get(fault, 0) + 1
    outcome.outcomes[call.outcome] = outcome.outcomes.get(call.outcome, 0) + 1


def _root(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def quiet() -> None:
    """Log nothing: what a call logs is no part of its story."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
