"""What a soak makes of two looks at a server, and a very small one from end to end."""

import msgspec
import pytest

from bench.fuzz import Held
from bench.inventory import Inventory
from bench.report_page import render
from bench.soak import Level, judge, measure
from bench.soak_report import page, summary

LEVEL = Level(200, 200_000_000, Held(0, Inventory(11, 6, 29, 8, 180_000_000, 0, 0)))


def later(rss_bytes: int = 209_000_000, calls: int = 0, **changed: int) -> Level:
    inventory = msgspec.structs.replace(LEVEL.held.inventory, **changed)
    return Level(2_000, rss_bytes, Held(calls, inventory))


def test_a_server_that_is_where_it_was_holds() -> None:
    assert judge(LEVEL, later()) == []


def test_what_is_left_is_told() -> None:
    assert judge(LEVEL, later(calls=1)) == ["1 live calls, not 0"]
    assert judge(LEVEL, later(spool_files=2)) == ["2 spool files left after 2000 calls"]
    assert judge(LEVEL, later(tasks=60)) == ["tasks: 11 before, 60 after"]
    assert judge(LEVEL, later(rss_bytes=212_000_000)) == ["resident size of all processes grew by 6.0%"]


@pytest.mark.timeout(110)
async def test_a_few_calls_leave_nothing() -> None:
    told: list[int] = []
    report = await measure(6, 1.0, 3, told.append)
    kinds = ("live calls", "left", "closed", "tasks", "sockets")
    assert [fault for fault in report.faults if any(kind in fault for kind in kinds)] == []
    assert (report.first.after_calls, report.last.after_calls) == (3, 6)
    assert "after 6" in summary(report)
    assert "after 6" in render(page(report), {})
