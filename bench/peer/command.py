"""`salesos bench peer`. Every part is imported when the command runs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from config.logs import configure_logs


class Profiles(StrEnum):
    DEFAULT = "default"
    LEAN = "lean"
    BOTH = "both"


def register(app: typer.Typer) -> None:
    app.command()(peer)


def peer(
    calls: Annotated[int, typer.Option(min=1, help="At the same time, on each side.")] = 4,
    profile: Annotated[Profiles, typer.Option(help="pipecat with its defaults, with all off, or both.")] = (
        Profiles.DEFAULT
    ),
    seconds: Annotated[float, typer.Option(min=1, help="Measured time of a run; some 25 s come on top.")] = 60,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Each is one run of every side.")] = 2,
    tries: Annotated[int, typer.Option(min=1, max=10, help="Repeat a void round until so many have been made.")] = 3,
    peer_python: Annotated[
        Path | None, typer.Option(help="The interpreter of an environment with pipecat; else one is made and kept.")
    ] = None,
    server_core: Annotated[int, typer.Option(min=0)] = 0,
    client_core: Annotated[int, typer.Option(min=0)] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Compare the core per call with pipecat's own telephone server, under the same load, in turns."""
    import uvloop

    from bench.load_report import LoadRun
    from bench.load_run import Cores
    from bench.peer import page
    from bench.peer.compare import Comparison, compare
    from bench.peer.environment import PeerMissing, cached_environment, is_complete, make, versions
    from bench.peer.figures import PROFILES, called, table
    from bench.server_process import ServerFailed

    configure_logs("bench", "warning")

    def tell(side: str, run: LoadRun) -> None:
        typer.echo(f"{called(side)} measured{': void' if run.void else ''}", err=True)

    profiles = PROFILES if profile is Profiles.BOTH else (profile.value,)
    comparison = Comparison(calls, profiles, rounds, seconds, Cores(server_core, client_core), tries)
    with failing_with("peer", PeerMissing, ServerFailed):
        if peer_python is None:
            folder = cached_environment()
            if not is_complete(folder):
                typer.echo(f"making an environment for pipecat in {folder}: some 550 MB, minutes", err=True)
            peer_python = make(folder)
        found = versions(peer_python)
        figures = uvloop.run(compare(comparison, peer_python, found, tell))
    give(table(figures), figures, lambda: page.page(figures), json, report)
    if all(one.void for one in figures.rounds):
        raise typer.Exit(1)
