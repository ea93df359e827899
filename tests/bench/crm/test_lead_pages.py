"""The measure of pages of leads runs, and falls over what is wrong."""

import json
from collections.abc import Awaitable

import pytest
from fastapi.responses import JSONResponse

from bench.crm import lead_pages
from bench.crm.lead_pages import measure_lead_pages
from bench.crm.measures import Bed, MeasureFailed
from bench.servers import Database
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses


@pytest.fixture
def bed(
    fresh_database: PostgresAddresses, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Bed:
    monkeypatch.setattr(lead_pages, "LEADS", 5_000)
    monkeypatch.setattr(lead_pages, "BATCH", 200)
    monkeypatch.setattr(lead_pages, "PAGES", 60)
    made = fresh_database
    database = Database(made.app_url, made.owner_url, made.admin_url, APP_ROLE)
    return Bed(True, database, "", tmp_path_factory.mktemp("own"), lambda line: None)


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
