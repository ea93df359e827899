"""`salesos bench crm`. Every part is imported when the command runs."""

from typing import Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from bench.servers import Servers
from config.logs import configure_logs


def register(app: typer.Typer) -> None:
    app.command()(crm)


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
