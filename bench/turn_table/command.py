"""`salesos bench turn-table`: the turn table of recordings, from their sound alone."""

import asyncio
from typing import Annotated

import typer

from bench.outcome import JsonFile, failing_with
from config.logs import configure_logs


def register(app: typer.Typer) -> None:
    """Add the command to the bench's command line."""
    app.command("turn-table")(show)


def show(
    recordings: Annotated[list[str], typer.Argument(help="Files (WAV, Ogg), or ids of calls in the running system.")],
    json: JsonFile = None,
    rows: Annotated[bool, typer.Option(help="Every row, or one line for each recording.")] = True,
) -> None:
    """Who speaks when, over whom, after how long: from the recording's two channels alone."""
    import msgspec

    from bench.system_api import SystemRefused
    from bench.turn_table.figures import overview, text_of
    from bench.turn_table.reading import tables_of
    from bench.turn_table.sound import NoRecording
    from config.settings import read_settings

    configure_logs("bench", "warning")
    with failing_with("turn-table", NoRecording, SystemRefused):
        found = asyncio.run(tables_of(recordings, read_settings().data_dir.absolute()))
    if rows:
        typer.echo("\n\n".join(text_of(table) for table in found) + "\n")
    typer.echo(overview(found))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
