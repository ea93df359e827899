"""How a subcommand of the bench ends: a table, a file for programs, a page for people, or one line of why not."""

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.report_page import Page  # what it needs is loaded when a page is written

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
ReportFile = Annotated[Path | None, typer.Option(help="Write a page to this HTML file.")]


@contextlib.contextmanager
def failing_with(name: str, *errors: type[Exception]) -> Generator[None]:
    """Turn these errors into one line and exit status 1."""
    try:
        yield
    except errors as error:
        typer.echo(f"salesos bench {name}: {error}", err=True)
        raise typer.Exit(1) from None


def give(text: str, figures: object, page: "Callable[[], Page]", json: Path | None, report: Path | None) -> None:
    """Print the text, and write whatever files were asked for."""
    typer.echo(text)
    if json is not None:
        import msgspec

        json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    if report is not None:
        from bench import report_page

        report_page.write(page(), report)
