"""How long a page of leads takes among a million of one organisation: the API's own list, at any depth, and its search.

The route is called without HTTP around it and without signing in. Pages are asked for one after the other: what is
measured is the list, not how many fit beside each other.
"""

import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import psycopg
from fastapi.responses import JSONResponse
from sqlalchemy import text

from bench.crm.measures import Bed, MeasureFailed
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.model import Organisation
from crm.leads.filters import LeadFilters, Sort
from crm.leads.routes import get_leads
from crm.page_cursor import Cursor, Value, encode
from crm.unit_of_work import UnitOfWork

LEADS: Final = 1_000_000
# One statement has ten seconds.
BATCH: Final = 10_000
PAGES: Final = 2_000
WARM_UP: Final = 50
PAGE: Final = 20
SORTS: Final[tuple[Sort, ...]] = ("created_at", "updated_at", "name", "score", "status")
STATUSES: Final = ("novo", "retry_later", "meeting_booked", "not_interested")
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
STEP: Final = timedelta(seconds=1)
_FILL: Final = text("""
    INSERT INTO leads (org_id, id, name, company, phone, email, status, score, custom_fields, created_at, updated_at)
    SELECT :org, gen_random_uuid(), 'Person ' || i, 'Company ' || i % 1000, '+1202' || 5000000 + i,
        'mail' || i || '@example.com', (CAST(:statuses AS text[]))[1 + i % 4], i % 101,
        jsonb_build_object('city', 'City ' || i % 5000), CAST(:began AS timestamptz) + i * interval '1 second',
        CAST(:began AS timestamptz) + (i * 7919 % :all) * interval '1 second'
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i""")


async def measure_lead_pages(bed: Bed) -> Mapping[str, float]:
    """Raises MeasureFailed: a page was not full, or a search did not find what is there."""
    engine = open_engine(bed.database.app_url)
    try:
        sessions, many = open_sessions(engine), LEADS // 10 if bed.small else LEADS
        org_id = await _fill(sessions, many, bed.tell)
        with psycopg.connect(bed.database.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE leads")
        return {"p99_ms.leads": await _measure(sessions, org_id, many, bed.tell)}
    finally:
        await engine.dispose()


async def _fill(sessions: Sessions, many: int, tell: Callable[[str], None]) -> UUID:
    org_id = uuid4()
    async with UnitOfWork(sessions, org_id) as unit:
        unit.session.add(Organisation(id=org_id, name="Many", slug=f"many-{org_id.hex}"))
        await unit.commit()
    began = time.monotonic()
    for first in range(0, many, BATCH):
        values = {"org": org_id, "statuses": list(STATUSES), "began": BEGAN, "all": many}
        async with UnitOfWork(sessions, org_id) as unit:
            await unit.session.execute(_FILL, values | {"first": first, "last": min(many, first + BATCH) - 1})
            await unit.commit()
    tell(f"leads: {many} made in {time.monotonic() - began:.0f} s")
    return org_id


async def _measure(sessions: Sessions, org_id: UUID, many: int, tell: Callable[[str], None]) -> float:
    chance = random.Random(5)  # noqa: S311 - the same places each time
    walks: list[tuple[float, float]] = []  # depth from 0 to 1 where the order tells it, or -1; milliseconds
    searches: list[float] = []
    for number in range(-WARM_UP, PAGES):
        unit, sort, place = UnitOfWork(sessions, org_id), SORTS[number % len(SORTS)], chance.randrange(2 * PAGE, many)
        if number % 4:
            cursor = encode(Cursor(f"{sort}:desc", _value(sort, place, many), UUID(int=2**128 - 1)))
            asked = get_leads(unit, LeadFilters(), 1, PAGE, sort, "desc", cursor)
        else:
            asked = get_leads(unit, LeadFilters(), q=f"person {place}", limit=PAGE, cursor="")
        # A person's number is a company's too, and begins others: the search is not for one lead only.
        took = await _timed(asked, f" {place}" if number % 4 == 0 else '"hasNext":true', sort)
        if number < 0:
            continue
        if number % 4:
            walks.append((1 - place / many if sort in ("created_at", "updated_at") else -1, took))
        else:
            searches.append(took)
    near = [took for depth, took in walks if 0 <= depth < 0.1]
    far = [took for depth, took in walks if depth > 0.9]
    tell(f"leads: p99 {p99(near):.1f} ms in the first tenth of the list, {p99(far):.1f} ms in the last")
    tell(f"leads: p99 {p99(searches):.1f} ms of {len(searches)} searches")
    return p99([took for _, took in walks] + searches)


async def _timed(asked: Awaitable[JSONResponse], expected: str, sort: Sort) -> float:
    began = time.perf_counter()
    answer = await asked
    took = (time.perf_counter() - began) * 1_000
    if expected not in bytes(answer.body).decode():
        raise MeasureFailed(f"a page of leads by {sort} does not hold {expected}")
    return took


def _value(sort: Sort, place: int, many: int) -> Value:
    """Return what a lead at about that depth is sorted by; a page below it is full."""
    match sort:
        case "name":
            return f"Person {place}x"
        case "score":
            return 1 + place * 100 // many
        case "status":
            return STATUSES[place * len(STATUSES) // many]
        case _:
            return BEGAN + place * STEP


def p99(took_ms: list[float]) -> float:
    """Return no number where nothing was measured."""
    return sorted(took_ms)[min(len(took_ms) - 1, len(took_ms) * 99 // 100)] if took_ms else math.nan
