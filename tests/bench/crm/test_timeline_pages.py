"""The measure of pages of a timeline runs, and falls over one that is not whole."""

import pytest

from bench.crm import timeline_pages
from bench.crm.measures import Bed, MeasureFailed
from bench.crm.timeline_pages import measure_timeline_pages


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_pages, "LEADS", 40)


async def test_pages_are_measured(bed: Bed) -> None:
    figures = await measure_timeline_pages(bed)
    assert figures.keys() == {"p99_ms.timeline"}
    assert figures["p99_ms.timeline"] > 0


async def test_a_timeline_that_is_not_whole_is_no_figure(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_pages, "EACH", timeline_pages.EACH + 1)
    with pytest.raises(MeasureFailed, match="1000 items, not 1001"):
        await measure_timeline_pages(bed)
