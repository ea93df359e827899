"""What a soak says, for people. Sans-I/O."""

from bench.held_table import held_table
from bench.report_page import Page, Table
from bench.soak import SoakReport


def summary(report: SoakReport) -> str:
    """Return the figures and every fault."""
    first, last = report.first, report.last
    lines = [
        f"{report.calls} calls of {report.seconds_each:g} s, {report.at_once} at a time, in {report.seconds:.0f} s; "
        f"{report.answers} answers",
        f"{'with no call on it':<22}{f'after {first.after_calls}':>14}{f'after {last.after_calls}':>14}",
        f"{'all processes, MB':<22}{first.rss_bytes / 1e6:>14.1f}{last.rss_bytes / 1e6:>14.1f}  ({report.growth:+.1%})",
    ]
    own = (first.held.inventory.rss_bytes / 1e6, last.held.inventory.rss_bytes / 1e6)
    lines.append(f"{'voice process, MB':<22}{own[0]:>14.1f}{own[1]:>14.1f}")
    for name in ("tasks", "threads", "fds", "sockets", "journals", "spool_files"):
        was, now = getattr(first.held.inventory, name), getattr(last.held.inventory, name)
        lines.append(f"{name.replace('_', ' '):<22}{was:>14}{now:>14}")
    lines += [f"FAULT: {fault}" for fault in report.faults]
    lines.append("held" if report.good else f"{len(report.faults)} faults")
    return "\n".join(lines)


def page(report: SoakReport) -> Page:
    """Return the report page."""
    first, last = report.first, report.last
    names = (f"after {first.after_calls}", f"after {last.after_calls}")
    return Page(
        title="Thousands of calls",
        summary=f"{report.calls} calls of {report.seconds_each:g} s, {report.at_once} at a time: the resident size of "
        f"all processes changed by {report.growth:+.1%}. "
        + ("The server held." if report.good else "It did not hold."),
        tables=[
            held_table("Held with no call on it", names, (first.held.inventory, last.held.inventory)),
            Table("Faults", ("fault",), [(fault,) for fault in report.faults]),
        ],
        results={
            "resident size": f"{report.growth:+.1%}",
            "MB, all processes": f"{first.rss_bytes / 1e6:.1f} → {last.rss_bytes / 1e6:.1f}",
        },
    )
