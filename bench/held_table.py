"""Looks at what a server holds, side by side in a report. Sans-I/O; not for the server, which needs no pages."""

from collections.abc import Sequence

from bench.inventory import Inventory
from bench.report_page import Table


def held_table(title: str, names: Sequence[str], looks: Sequence[Inventory]) -> Table:
    """Return several looks at a server side by side."""
    rows = [
        (name.replace("_", " "), *(str(getattr(look, name)) for look in looks))
        for name in ("tasks", "threads", "fds", "sockets", "journals", "spool_files")
    ]
    rows.append(("resident, MB", *(f"{look.rss_bytes / 1e6:.1f}" for look in looks)))
    return Table(title, ("", *names), rows)
