"""The measure of pages of leads runs, and falls over what is wrong."""

import json
from collections.abc import Awaitable

import pytest
from fastapi.responses import JSONResponse

from bench.crm import lead_pages
from bench.crm.lead_pages import measure_lead_pages
from bench.crm.measures import Bed, MeasureFailed


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead_pages, "LEADS", 5_000)
    monkeypatch.setattr(lead_pages, "BATCH", 200)
    monkeypatch.setattr(lead_pages, "PAGES", 60)


async def test_pages_are_measured(bed: Bed) -> None:
    figures = await measure_lead_pages(bed)
    assert figures.keys() == {"p99_ms.leads"}
    assert figures["p99_ms.leads"] > 0


async def test_a_page_that_is_not_full_is_no_figure(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(*_: object, **__: object) -> Awaitable[JSONResponse]:
        async def answer() -> JSONResponse:
            return JSONResponse(json.loads('{"data": [], "pagination": {"hasNext": false}}'))

        return answer()

    monkeypatch.setattr(lead_pages, "get_leads", empty)
    with pytest.raises(MeasureFailed, match="does not hold"):
        await measure_lead_pages(bed)
