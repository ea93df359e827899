"""The measures of `salesos bench crm`: each is a module of this folder and one line of MEASURES."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.servers import Database


@dataclass(frozen=True, slots=True)
class Bed:
    """What a measure works on: servers of its own, started for it, with the schema of this release."""

    small: bool  # a tenth of the data
    database: Database
    redis_url: str
    folder: Path  # empty; removed afterwards
    tell: Callable[[str], None]  # a line of progress


Measure = Callable[[Bed], Awaitable[Mapping[str, float]]]
"""Returns figures by the names of bench.crm.figures.GOALS. Raises MeasureFailed."""


class MeasureFailed(Exception):
    """What was measured was not right, so that its speed means nothing; says what."""


async def _events(bed: Bed) -> Mapping[str, float]:
    from bench.crm import events

    return await events.measure(bed)


async def _imports(bed: Bed) -> Mapping[str, float]:
    from bench.crm import imports

    return await imports.measure_imports(bed)


async def _leads(bed: Bed) -> Mapping[str, float]:
    from bench.crm import lead_pages

    return await lead_pages.measure_lead_pages(bed)


async def _postings(bed: Bed) -> Mapping[str, float]:
    from bench.crm import postings

    return await postings.measure(bed)


async def _timeline(bed: Bed) -> Mapping[str, float]:
    from bench.crm import timeline_pages

    return await timeline_pages.measure_timeline_pages(bed)


# In this order, by the names that `--only` takes.
MEASURES: Final[Mapping[str, Measure]] = {
    "events": _events,
    "imports": _imports,
    "leads": _leads,
    "postings": _postings,
    "timeline": _timeline,
}
