"""OpenAI's usage report over a real socket, through its SDK."""

import socket
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from crm.usage import openai_report
from crm.usage.openai_report import OpenAIReports
from crm.usage.report import Report, ReportUnavailable
from tests.crm.usage.vendor import ADMIN_KEY, Vendor, serving

DAY = date(2026, 11, 22)


@pytest.fixture
async def vendor() -> AsyncGenerator[Vendor]:
    async with serving() as made:
        yield made


async def fault_of(reports: OpenAIReports) -> str:
    with pytest.raises(ReportUnavailable) as caught:
        await reports.of_day(DAY)
    return str(caught.value)


async def test_a_day_is_the_sum_of_all_pages_and_models(vendor: Vendor) -> None:
    vendor.took("gpt-a-2026", 2, 100, 20)
    vendor.took("gpt-b-2026", 1, 1_000, 3)
    assert await OpenAIReports(ADMIN_KEY, vendor.url).of_day(DAY) == Report(3, 1_123)
    first, second = vendor.asked
    begin = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())
    assert (first["start_time"], first["end_time"]) == ([str(begin)], [str(begin + 86_400)])
    assert first["bucket_width"] == ["1d"]
    assert second["page"] == ["1"]


async def test_a_day_without_requests_is_nothing_and_no_fault(vendor: Vendor) -> None:
    assert await OpenAIReports(ADMIN_KEY, vendor.url).of_day(DAY) == Report(0, 0)


async def test_a_key_that_is_no_admin_s_is_told(vendor: Vendor) -> None:
    reports = OpenAIReports("sk-other", vendor.url)
    assert await fault_of(reports) == "refused_key"
    assert "sk-other" not in repr(reports)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Response(status_code=500), "unavailable"),
        (Response(status_code=429), "rate_limited"),
        (Response("<html>", media_type="text/html"), "garbage"),
        (JSONResponse({"data": "none"}), "garbage"),
        (JSONResponse({"data": [{"results": None}]}), "garbage"),
        (JSONResponse({"data": [{"results": [{"input_tokens": "7"}]}], "has_more": False}), "garbage"),
        (
            JSONResponse(
                {"data": [{"results": [{"input_tokens": -7, "output_tokens": 1, "num_model_requests": 1}]}]},
            ),
            "garbage",
        ),
    ],
)
async def test_what_is_no_report_is_never_a_figure(vendor: Vendor, fault: Response, told: str) -> None:
    vendor.fault = fault
    assert await fault_of(OpenAIReports(ADMIN_KEY, vendor.url)) == told


async def test_pages_without_end_are_left(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_report, "PAGES_MAX", 3)
    vendor.endless = True
    assert await fault_of(OpenAIReports(ADMIN_KEY, vendor.url)) == "endless"
    assert len(vendor.asked) == 3


async def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    assert await fault_of(OpenAIReports(ADMIN_KEY, url)) == "unavailable"
