"""`salesos bench crm`. Every part is imported when the command runs."""

from typing import Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from bench.servers import Servers
from config.logs import configure_logs


def register(app: typer.Typer) -> None:
    app.command()(crm)
    app.command("crm-kill")(crm_kill)


def crm(
    context: typer.Context,
    small: Annotated[bool, typer.Option("--small", help="With a tenth of the data.")] = False,
    only: Annotated[str, typer.Option(help="Names of measures, such as postings,pages; empty: all.")] = "",
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Load the CRM's database: postings, events, imports, and pages of long lists. 0 only when every goal is met."""
    import uvloop

    from bench.crm import figures
    from bench.crm.measures import MEASURES, MeasureFailed
    from bench.crm.run import measure

    configure_logs("bench", "warning")
    names = [name.strip() for name in only.split(",") if name.strip()] or list(MEASURES)
    for name in names:
        if name not in MEASURES:
            raise typer.BadParameter(f"--only: {name!r} is not one of: {', '.join(MEASURES) or 'there is none yet'}")
    servers: Servers | None = context.obj
    if servers is None:
        raise typer.BadParameter("it starts a Postgres: use `salesos bench crm`")
    chosen = {name: MEASURES[name] for name in names}
    with failing_with("crm", MeasureFailed):
        found = uvloop.run(measure(chosen, servers, lambda line: typer.echo(line, err=True), small=small))
    give(figures.table(found), figures.nested(found), lambda: figures.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)


def crm_kill(
    context: typer.Context,
    kills: Annotated[int, typer.Option(min=1, max=1_000, help="How often something is killed.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the moments, and of what is killed.")] = 1,
    json: JsonFile = None,
) -> None:
    """Kill the consumer of events, the worker and the database amid their work. 0: nothing is lost or doubled."""
    import tempfile
    from pathlib import Path

    import msgspec
    import uvloop

    from bench.crm.kill import KillFailed, kill_often, told

    configure_logs("bench", "warning")
    servers: Servers | None = context.obj
    if servers is None:
        raise typer.BadParameter("it starts a Postgres: use `salesos bench crm-kill`")
    with tempfile.TemporaryDirectory(prefix="salesos-bench-") as folder, failing_with("crm-kill", KillFailed):
        found = uvloop.run(kill_often(servers, Path(folder), kills, seed, lambda line: typer.echo(line, err=True)))
    typer.echo(told(found))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    raise typer.Exit(0 if found.good else 1)
