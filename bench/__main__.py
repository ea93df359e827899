"""`python -m bench`: measures the running system (`make run` in another terminal) from outside."""

import sys
from typing import Annotated

import typer

from bench.calls import place_calls, report
from bench.personas import run_personas
from config.settings import read_settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.command()
def calls(persona: str = "eager", count: int = 10, at_once: int = 2) -> None:
    """Place calls to one persona and print how fast the agent answers; fails when a call has no summary."""
    summaries = place_calls(persona, count, at_once)
    sys.stdout.write(report(summaries) + "\n")
    failures = [summary["error"]["message"] for summary in summaries if "error" in summary]
    sys.stdout.writelines(f"failed: {message}\n" for message in failures)
    raise typer.Exit(1 if failures else 0)


@app.command()
def personas(
    times: Annotated[int, typer.Option(min=1, max=50)] = 1, at_once: Annotated[int, typer.Option(min=1, max=10)] = 3
) -> None:
    """Call every persona and compare each call with its table and with the carrier's own account of it."""
    lines, good, count = run_personas(times, at_once, read_settings().carrier_address)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    raise typer.Exit(0 if good == count else 1)


if __name__ == "__main__":
    app()
