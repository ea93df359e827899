"""Whole calls of the failover bench, server and providers in processes of their own: one of each victim.

Nothing is judged by how long it took.
"""

import pytest

from bench.failover import telling
from bench.failover.run import measure

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]


async def test_calls_go_on_without_their_model_voice_or_recogniser() -> None:
    told: list[str] = []
    report = await measure(3, 3, 1, lambda over: told.append(telling.line(over)), turns=1)
    assert (report.went_on, report.calls, len(told)) == (3, 3, 3)
    assert [found.victim for found in report.found] == ["model", "voice", "recogniser"]
    assert report.struck == 3
    assert report.faults == ()
    assert report.found[0].took_over
    assert "3 of 3 calls went on (seed 1" in telling.summary(report)
    assert telling.page(report).tables
