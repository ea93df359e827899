"""The command line of the simulation: `salesos sim`. Exit status 1 when an invariant does not hold."""

from pathlib import Path

import typer

from bench.sim.personas import PERSONAS
from bench.sim.run import Found, Outcome, many, one, quiet, story
from bench.sim.scenario import ACTS, FAULTS, draw
from bench.sim.world import scratch

_EXIT_BROKEN = 1


def run(calls: int, seed: int, persona: str, fault: str, jobs: int, json: Path | None) -> int:
    """Simulate calls and print what was found; returns the exit status."""
    personas, faults = _chosen(persona, list(PERSONAS), "--persona"), _faults(fault)
    outcome = many(seed, calls, personas, faults, _tell, jobs)
    if json is not None:
        import msgspec

        json.write_bytes(msgspec.json.format(msgspec.json.encode(outcome)) + b"\n")
    typer.echo(table(outcome))
    return 0 if outcome.good else _EXIT_BROKEN


def replay(seed: int, persona: str, fault: str) -> int:
    """Run the call of one seed and print its story; returns the exit status."""
    quiet()
    scenario = draw(seed, _chosen(persona, list(PERSONAS), "--persona"), _faults(fault))
    with scratch() as folder:
        record, faulty = one(scenario, folder)
    typer.echo(f"{scenario}")
    for line in story(record):
        typer.echo(line)
    for broken in faulty:
        typer.echo(f"BROKEN  {broken.name}: {broken.detail}")
    typer.echo(f"outcome {record.outcome or 'none'}, trace {record.trace()}")
    return _EXIT_BROKEN if faulty else 0


def table(outcome: Outcome) -> str:
    """Return the figures of a run as text."""
    return "\n".join(
        [
            f"{outcome.calls} calls, {outcome.turns} turns, {outcome.simulated_s / 3600:.1f} hours of calls "
            f"in {outcome.wall_s:.1f} s",
            f"{outcome.bridged} answers with a stock phrase because something was late; "
            f"{outcome.waited} silences above 2 s, each behind a sentence that broke off",
            f"personas: {_counts(outcome.personas)}",
            f"faults: {_counts(outcome.faults) or 'none'}",
            f"outcomes: {_counts(outcome.outcomes)}",
            f"trace {outcome.trace}",
            "every invariant held" if outcome.good else f"{len(outcome.found)} calls broke an invariant",
        ]
    )


def _tell(found: Found) -> None:
    for broken in found.broken:
        typer.echo(f"BROKEN  {broken.name}: {broken.detail}")
    faults = ", ".join(found.faults) or "no fault"
    typer.echo(f"        {found.persona}, {faults}; again: salesos sim --replay {found.seed}")


def _chosen(text: str, known: list[str], option: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{option}: {name!r} is not one of {', '.join(known)}")
    return names


def _faults(text: str) -> list[str]:
    """Return the faults to draw from: all unless named, none for `none`."""
    if text == "none":
        return []
    return _chosen(text, [*FAULTS, *ACTS], "--fault") or list(FAULTS)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or '-'} {count}" for name, count in sorted(counts.items()))
