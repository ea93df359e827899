"""`salesos bench people`. Every part is imported when the command runs."""

from typing import Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from config.logs import configure_logs


def register(app: typer.Typer) -> None:
    app.command()(people)


def people(
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Connections that sound is timed on.")] = 5,
    bursts: Annotated[int, typer.Option(min=1, max=100, help="Of sound each way on a connection.")] = 8,
    clicks: Annotated[int, typer.Option(min=1, max=500, help="Of somebody who listens in.")] = 40,
    legs: Annotated[int, typer.Option(min=1, max=40, help="People who talk by WebRTC, two in a call.")] = 8,
    listeners: Annotated[int, typer.Option(min=1, max=90, help="On one call.")] = 60,
    windows: Annotated[int, typer.Option(min=1, max=20, help="Without people and with them, in turns.")] = 2,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each window in which cores are looked at.")] = 5,
    server_core: Annotated[int, typer.Option(min=0)] = 0,
    client_core: Annotated[int, typer.Option(min=0)] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Put people on calls: how late is their sound, and what do they cost? 0 only when every goal is met."""
    import uvloop

    from bench.load_run import Cores
    from bench.people import figures
    from bench.people.measures import Size
    from bench.people.run import measure
    from bench.server_process import ServerFailed

    configure_logs("bench", "warning")
    size = Size(rounds, bursts, clicks, legs, listeners, windows, seconds)
    with failing_with("people", ServerFailed):
        found = uvloop.run(measure(size, Cores(server_core, client_core), lambda line: typer.echo(line, err=True)))
    give(figures.table(found), figures.told(found), lambda: figures.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)
