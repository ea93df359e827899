"""What a run of fuzzing says, for people. Sans-I/O."""

from bench.fuzz import FuzzReport
from bench.held_table import held_table
from bench.report_page import Page, Table


def summary(report: FuzzReport) -> str:
    """Return the figures and every fault."""
    beside = report.beside
    lines = [
        f"{report.seconds:.0f} s, seed {report.seed}; the parser took {report.parser_messages} messages and refused "
        f"{report.parser_refused}",
        f"{sum(report.attacks.values())} attacks ({report.dropped} ended by the server): "
        + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(report.attacks.items())),
        f"{'':<14}{'before':>12}{'after':>12}",
        f"{'live calls':<14}{report.before.calls:>12}{report.after.calls:>12}",
    ]
    for name in ("tasks", "threads", "fds", "sockets", "journals", "spool_files"):
        was, now = getattr(report.before.inventory, name), getattr(report.after.inventory, name)
        lines.append(f"{name.replace('_', ' '):<14}{was:>12}{now:>12}")
    was, now = report.before.inventory.rss_bytes, report.after.inventory.rss_bytes
    lines.append(f"{'resident, MB':<14}{was / 1e6:>12.1f}{now / 1e6:>12.1f}")
    lines.append(
        f"beside: {beside.calls} calls, {beside.seconds:.0f} s, {beside.response_ms.count} answers, "
        f"{beside.underruns} underruns, {beside.unanswered} unanswered, {beside.broken_off} broken off, "
        f"{beside.lost_calls} lost; own frames late by {beside.late_p99_ms:.0f} ms (p99)"
    )
    lines += [f"FAULT: {fault}" for fault in report.faults]
    lines.append("held" if report.good else f"{len(report.faults)} faults")
    return "\n".join(lines)


def page(report: FuzzReport) -> Page:
    """Return the report page."""
    attacks = sum(report.attacks.values())
    return Page(
        title="What no carrier sends",
        summary=f"{attacks} attacks and {report.parser_messages} damaged messages, seed {report.seed}: "
        + ("the server held." if report.good else f"{len(report.faults)} faults."),
        tables=[
            held_table("Held by the server", ("before", "after"), (report.before.inventory, report.after.inventory)),
            Table(
                "Attacks",
                ("attack", "times"),
                [(name.replace("_", " "), str(count)) for name, count in sorted(report.attacks.items())],
            ),
            Table("Faults", ("fault",), [(fault,) for fault in report.faults]),
        ],
        results={
            "faults": str(len(report.faults)),
            "gaps beside": str(report.beside.underruns),
            "calls lost beside": str(report.beside.lost_calls),
        },
        meanings={"before": "After each attack had been made once.", "beside": "In the well-behaved calls."},
    )
