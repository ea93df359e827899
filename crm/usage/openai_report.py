"""OpenAI's usage report (GET /organization/usage/completions), through its SDK, with an admin key."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx2
import openai
from openai import AsyncOpenAI

from agent.llm.faults import failure_of
from agent.llm.links import TIMEOUT, open_links
from crm.usage.report import Report, ReportUnavailable

BASE_URL: Final = "https://api.openai.com/v1"
REPORT_TIMEOUT_S: Final = 30.0
PAGES_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class OpenAIReports:
    """Implements `crm.usage.report.UsageReports`."""

    admin_key: str
    base_url: str = ""

    def __repr__(self) -> str:
        return f"OpenAIReports(base_url={self.base_url!r})"

    async def of_day(self, day: date) -> Report:
        """Raises ReportUnavailable."""
        try:
            async with asyncio.timeout(REPORT_TIMEOUT_S), open_links() as links:
                client = AsyncOpenAI(
                    api_key=self.admin_key,
                    admin_api_key=self.admin_key,
                    base_url=self.base_url or BASE_URL,
                    http_client=links,
                    max_retries=0,
                    timeout=TIMEOUT,
                )
                return await _read(client, day)
        except openai.APIStatusError as error:
            raise ReportUnavailable(failure_of(error.status_code).value) from None
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            raise ReportUnavailable("timeout") from None
        except (openai.APIConnectionError, httpx2.HTTPError):
            raise ReportUnavailable("unavailable") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            raise ReportUnavailable("garbage") from None


async def _read(client: AsyncOpenAI, day: date) -> Report:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    span: dict[str, Any] = {
        "start_time": int(begin.timestamp()),
        "end_time": int((begin + timedelta(days=1)).timestamp()),
        "bucket_width": "1d",
        "group_by": ["model"],
    }
    requests = tokens = 0
    for _ in range(PAGES_MAX):
        page = await client.admin.organization.usage.completions(**span)
        if not isinstance(page.data, list):
            raise ReportUnavailable("garbage")
        for bucket in page.data:
            for result in bucket.results:
                numbers = (result.num_model_requests, result.input_tokens, result.output_tokens)  # type: ignore[union-attr] # of completions it has them; what has not is no such report
                # The SDK checks no shapes: a report that is none must not become a sum.
                if not all(type(number) is int and number >= 0 for number in numbers):
                    raise ReportUnavailable("garbage")
                requests += numbers[0]
                tokens += numbers[1] + numbers[2]
        if not page.has_more or not page.next_page:
            return Report(requests, tokens)
        span["page"] = page.next_page
    raise ReportUnavailable("endless")
