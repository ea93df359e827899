"""What the operator sees in the terminal: plain lines, one table, a conversation.

Colour and boxes only where a terminal is; a log file or a pipe gets plain text with the same words.
"""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Screen:
    """Prints for one command. `to_stderr` keeps standard output free for a result that programs read."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print one line of what goes on."""
        self._console.print(escape(text), style="dim")

    def say(self, text: str) -> None:
        """Print one line that matters."""
        self._console.print(escape(text))

    def good(self, text: str) -> None:
        self._console.print(escape(text), style="green")

    def warn(self, text: str) -> None:
        self._console.print(escape(text), style="yellow")

    def fail(self, text: str) -> None:
        self._console.print(escape(text), style="bold red")

    def row(self, left: str, speaker: str, text: str, right: str = "", *, style: str = "") -> None:
        """Print one line of a conversation: when, who, what, how fast."""
        tail = f"  [dim]{escape(right)}[/dim]" if right else ""
        body = f"[{style}]{escape(text)}[/{style}]" if style else escape(text)
        self._console.print(f"[dim]{escape(left):>8}[/dim]  [bold]{escape(speaker):<7}[/bold] {body}{tail}")

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if not self._console.is_terminal:
            self._plain_table(title, headings, rows)
            return
        table = Table(
            *headings,
            title=title,
            title_justify="left",
            box=box.ROUNDED,
            header_style="bold",
            show_header=any(headings),
        )
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        # Without soft wrap, or cells that are too long would break the box.
        self._console.print(table, soft_wrap=False)

    def _plain_table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
        self.say(title)
        for row in (headings, *rows) if any(headings) else rows:
            self.say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
