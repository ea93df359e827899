"""A few kills of what takes events, does jobs and keeps both, with servers and processes of their own."""

from pathlib import Path

import pytest

from bench.crm.kill import KillReport, kill_often, told
from bench.servers import Servers
from salesos.measure import mortal_postgres_in, postgres_in, redis_in


# Forty seconds on an idle machine.
@pytest.mark.timeout(300)
async def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    servers = Servers(redis_in, postgres_in, mortal_postgres_in)
    lines: list[str] = []
    report = await kill_often(servers, tmp_path, 5, 1, lines.append, patient=False)
    assert report.faults == {}, told(report)
    assert sum(report.kills.values()) == 5
    assert min(report.kills.values()) >= 1
    assert report.calls == 50


def test_faults_are_told() -> None:
    report = KillReport({"consumer": 1}, 10, 580, 1.0, 9.0, 0, {"calls without notes": 2})
    assert not report.good
    assert "FAULT 2 calls without notes" in told(report)
