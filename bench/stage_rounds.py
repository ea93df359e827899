"""The stages as benchmarks of pytest-benchmark, collected by `bench/micro.py` in a process of its own.

Each round works on fresh objects, made outside of what is timed; how many operations a round does goes along with its
figures.
"""

import time
from pathlib import Path
from typing import Final

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.stages import STAGES, Inputs
from bench.utterance import speak_two_seconds

ROUNDS_MIN: Final = 5
ROUNDS_MAX: Final = 2_000


@pytest.fixture(scope="session")
def inputs() -> Inputs:
    return Inputs(speak_two_seconds(), Path("never-written"))


@pytest.mark.parametrize("stage", STAGES)
def test_stage(benchmark: BenchmarkFixture, request: pytest.FixtureRequest, inputs: Inputs, stage: str) -> None:
    prepare = STAGES[stage]
    prepare(inputs)()  # what is loaded once is loaded
    work = prepare(inputs)
    started = time.perf_counter()
    operations = work()
    round_s = max(1e-6, time.perf_counter() - started)
    wanted = int(float(request.config.getoption("benchmark_max_time")) / round_s)
    benchmark.extra_info |= {"stage": stage, "operations": operations}
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # it has no types
        lambda work: work(),
        setup=lambda: ((prepare(inputs),), {}),
        rounds=max(ROUNDS_MIN, min(ROUNDS_MAX, wanted)),
    )
