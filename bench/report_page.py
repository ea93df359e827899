"""A bench's report as one HTML file that needs nothing else: what was found, on what machine, tables and plots.

A command builds a `Page` and calls `write`; how it looks is here and in `report_page.html`. Blocking.
"""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bench.plots import Plot

_TEMPLATE: Final = Path(__file__).with_name("report_page.html")
_GIT_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` hold one text for each of `columns`; the first column names the row, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What a report says. All texts are plain; markup in them is shown as it stands."""

    title: str
    summary: str  # what was found, in a sentence or two
    tables: Sequence[Table]
    plots: Sequence[Plot] = ()
    results: Mapping[str, str] = field(default_factory=dict)  # the few figures to see first
    meanings: Mapping[str, str] = field(default_factory=dict)  # what each figure means
    facts: Mapping[str, str] = field(default_factory=dict)  # beside those of the machine: how it was measured


def write(page: Page, path: Path) -> None:
    """Write the report. Raises OSError."""
    path.write_text(render(page, machine_facts()), encoding="utf-8")


def render(page: Page, machine: Mapping[str, str]) -> str:
    """Return the report; `machine` as from machine_facts."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_TEMPLATE.read_text("utf-8"))
    plots = [(plot.title, plot.note, Markup(plot.svg())) for plot in page.plots]  # noqa: S704 - escaped where it is drawn
    return template.render(page=page, plots=plots, facts={**page.facts, **machine})


def machine_facts() -> dict[str, str]:
    """Return what figures depend on: processor, kernel, interpreter, versions, the code's commit, and when."""
    return {
        "processor": _first_of("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": _first_of("/proc/meminfo", "MemTotal") or "unknown",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("uvloop", "uvicorn", "numpy", "onnxruntime")),
        "commit": _commit(),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _first_of(path: str, name: str) -> str:
    """Return the value of the first line `name: value` of a file of /proc; empty where there is none."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name)
    return next(found, "")


def _commit() -> str:
    """Return the commit of the code that runs, and whether it has been changed since."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=, changed since"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return f"unknown (version {version('salesos')})"
    return found.stdout.strip()
