"""`salesos bench micro`: what one operation of each stage of a frame's path costs, in µs.

pytest-benchmark times the stages in a process of its own, without the plugins and settings of whoever calls. The
median of a stage's rounds is what it costs, the smallest what it can cost on an undisturbed machine. Multiply by 50
for the cost of a call's second: a µs a frame is 0.00005 of a core.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from bench.plots import Bar, BarPlot
from bench.report_page import Page, Table
from bench.stages import STAGES

ROUNDS: Final = "bench.stage_rounds"
_OVERHEAD_S: Final = 60.0  # imports, the utterance, preparing of rounds
_PREPARING: Final = 20.0  # a round's preparing can take so many times the round itself
_TOLD_LINES: Final = 10
_CALL_FRAMES_A_S: Final = 50


class MicroFailed(Exception):
    """A stage could not be timed."""


class Cost(msgspec.Struct, frozen=True):
    """Of one operation."""

    stage: str
    median_us: float
    min_us: float
    iqr_us: float  # between the quarters: how much rounds differ
    rounds: int


class _Stats(msgspec.Struct):
    median: float
    min: float
    iqr: float
    rounds: int


class _Info(msgspec.Struct):
    stage: str
    operations: int


class _Benchmark(msgspec.Struct):
    stats: _Stats
    extra_info: _Info


class _File(msgspec.Struct):
    benchmarks: list[_Benchmark]


def measure(seconds: float) -> list[Cost]:
    """Return every stage's cost; each is timed for about `seconds`. Raises MicroFailed."""
    with tempfile.TemporaryDirectory(prefix="salesos-bench-") as folder:
        figures = Path(folder) / "figures.json"
        timeout_s = _OVERHEAD_S + len(STAGES) * seconds * _PREPARING
        try:
            timed = subprocess.run(  # noqa: S603 - our own words
                command(figures, seconds),
                cwd=folder,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MicroFailed(f"the stages were not timed within {timeout_s:.0f} s") from None
        if timed.returncode:
            raise MicroFailed("\n".join((timed.stdout + timed.stderr).strip().splitlines()[-_TOLD_LINES:]))
        return costs_of(figures.read_bytes())


def command(figures: Path, seconds: float) -> list[str]:
    """Return the command that times all stages and writes pytest-benchmark's own JSON."""
    words = ["-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(figures.parent), "--pyargs", ROUNDS]
    words += ["-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin", "--benchmark-only", "--benchmark-quiet"]
    words += ["--benchmark-storage", figures.parent.as_uri(), "--benchmark-json", str(figures)]
    return [sys.executable, *words, "--benchmark-max-time", str(seconds)]


def environment() -> dict[str, str]:
    """Return the environment of that command: nothing in it is meant for another run of pytest, such as the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": _import_path()}


def costs_of(figures: bytes) -> list[Cost]:
    """Return the costs in pytest-benchmark's JSON. Raises msgspec.DecodeError for anything else."""
    return [
        Cost(
            one.extra_info.stage,
            _each_us(one, one.stats.median),
            _each_us(one, one.stats.min),
            _each_us(one, one.stats.iqr),
            one.stats.rounds,
        )
        for one in msgspec.json.decode(figures, type=_File).benchmarks
    ]


def table(costs: list[Cost]) -> str:
    lines = [f"{'stage':<44}{'median µs':>11}{'min µs':>9}{'iqr µs':>9}{'rounds':>8}"]
    lines += [
        f"{cost.stage:<44}{cost.median_us:>11.2f}{cost.min_us:>9.2f}{cost.iqr_us:>9.2f}{cost.rounds:>8}"
        for cost in costs
    ]
    return "\n".join(lines)


def page(costs: list[Cost]) -> Page:
    return Page(
        title="The stages of a frame's path",
        summary=(
            "What one operation of each stage costs by itself. A call has 50 frames a second, so a microsecond a frame "
            "is 0.00005 of a core. What a load run shows beyond the sum is the kernel, the event loop and the socket "
            "library."
        ),
        plots=[
            _medians("What is done for each frame, packet or mark", "frame", costs),
            _medians("The network behind the voice activity", "network", costs),
        ],
        tables=[
            Table(
                "Stages",
                ["stage", "median µs", "min µs", "between quarters µs", "rounds", "of a core at 50 a second"],
                [
                    (
                        cost.stage,
                        f"{cost.median_us:.2f}",
                        f"{cost.min_us:.2f}",
                        f"{cost.iqr_us:.2f}",
                        str(cost.rounds),
                        f"{cost.median_us * _CALL_FRAMES_A_S / 1e6:.6f}",
                    )
                    for cost in costs
                ],
            )
        ],
        meanings={
            "median": "Over rounds on fresh objects, of some 200 operations each.",
            "min": "The smallest round: what the stage can cost on an undisturbed machine.",
            "network": "A window is 32 ms, and only frames that may hold a voice get to it.",
        },
    )


def _medians(title: str, kind: str, costs: list[Cost]) -> BarPlot:
    return BarPlot(title, "µs", [Bar(cost.stage, cost.median_us) for cost in costs if _kind(cost.stage) == kind])


def _kind(stage: str) -> str:
    return "network" if stage.startswith("network") else "frame"


def _each_us(one: _Benchmark, round_s: float) -> float:
    return round(round_s / one.extra_info.operations * 1e6, 3)


def _import_path() -> str:
    """Return where this process finds its modules: the other one is started elsewhere."""
    return os.pathsep.join(path or os.getcwd() for path in sys.path)
