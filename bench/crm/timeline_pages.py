"""How long a page of a lead's timeline takes among ten million rows, at its beginning and a thousand rows deep.

Ten thousand leads with a thousand rows each: few with long timelines are harder to page than many with short ones.
Pages are read one after the other as the route reads them, in a transaction of their own under row-level security.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final
from uuid import UUID

import psycopg

from bench.crm.lead_pages import p99
from bench.crm.measures import Bed, MeasureFailed
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.model import Organisation
from crm.timeline.usecases import read_timeline
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

LEADS: Final = 10_000
CHANGES_EACH: Final = 790
NOTES_EACH: Final = 100
TASKS_EACH: Final = 100
CALLS_EACH: Final = 10
EACH: Final = CHANGES_EACH + NOTES_EACH + TASKS_EACH + CALLS_EACH
LEADS_AT_ONCE: Final = 200  # filled by one statement
WALKS: Final = 600  # leads whose timeline is read from the first page to the last
PAGE: Final = 100

# Each with how many rows of it a lead has. Moments in whole minutes, so that rows of different kinds are ties.
_FILL: Final = (
    (
        1,
        """INSERT INTO leads (org_id, id, name)
        SELECT %(org)s, lead, 'Dana' FROM unnest(CAST(%(leads)s AS uuid[])) AS lead""",
    ),
    (
        CHANGES_EACH,
        """INSERT INTO lead_changes (org_id, id, lead_id, at, changes)
        SELECT %(org)s, gen_random_uuid(), lead, now() - n * interval '1 minute', '{"score": [0, 10]}'
        FROM unnest(CAST(%(leads)s AS uuid[])) AS lead, generate_series(1, %(each)s::bigint) AS n""",
    ),
    (
        NOTES_EACH,
        """INSERT INTO notes (org_id, id, lead_id, text, author_id, created_at)
        SELECT %(org)s, gen_random_uuid(), lead, 'Prefers mornings', lead, now() - n * interval '8 minutes'
        FROM unnest(CAST(%(leads)s AS uuid[])) AS lead, generate_series(1, %(each)s::bigint) AS n""",
    ),
    (
        TASKS_EACH,
        """INSERT INTO tasks (org_id, id, lead_id, kind, title, created_at)
        SELECT %(org)s, gen_random_uuid(), lead, 'todo', 'Write to them', now() - n * interval '9 minutes'
        FROM unnest(CAST(%(leads)s AS uuid[])) AS lead, generate_series(1, %(each)s::bigint) AS n""",
    ),
    (
        CALLS_EACH,
        """INSERT INTO calls (org_id, id, lead_id, agent_id, decision_id, number, funded_s, price_per_minute,
            reserved, held, balance_before, created_at)
        SELECT %(org)s, gen_random_uuid(), lead, lead, lead, '+12025550142', 60, 1, 0, 0, 0,
            now() - n * interval '90 minutes'
        FROM unnest(CAST(%(leads)s AS uuid[])) AS lead, generate_series(1, %(each)s::bigint) AS n""",
    ),
)


async def measure_timeline_pages(bed: Bed) -> Mapping[str, float]:
    """Raises MeasureFailed: a timeline was not whole."""
    engine = open_engine(bed.database.app_url)
    try:
        sessions, leads = open_sessions(engine), [new_id() for _ in range(LEADS // 10 if bed.small else LEADS)]
        org_id = await _fill(bed, sessions, leads)
        with psycopg.connect(bed.database.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE leads, lead_changes, notes, tasks, calls")
        return {"p99_ms.timeline": await _measure(sessions, org_id, leads, bed.tell)}
    finally:
        await engine.dispose()


async def _fill(bed: Bed, sessions: Sessions, leads: Sequence[UUID]) -> UUID:
    org_id = new_id()
    async with UnitOfWork(sessions, org_id) as unit:
        unit.session.add(Organisation(id=org_id, name="Long", slug=f"long-{org_id.hex}"))
        await unit.commit()
    began = time.monotonic()
    await asyncio.to_thread(_fill_tables, bed.database.admin_url, org_id, leads)
    bed.tell(f"timeline: {len(leads) * EACH} rows made in {time.monotonic() - began:.0f} s")
    return org_id


def _fill_tables(admin_url: str, org_id: UUID, leads: Sequence[UUID]) -> None:
    with psycopg.connect(admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        # No look at each row's lead, which is there: it takes longer than the rows.
        admin.execute("SET session_replication_role = replica")
        for first in range(0, len(leads), LEADS_AT_ONCE):
            some = list(leads[first : first + LEADS_AT_ONCE])
            for each, statement in _FILL:
                admin.execute(statement, {"org": org_id, "leads": some, "each": each})


async def _measure(sessions: Sessions, org_id: UUID, leads: Sequence[UUID], tell: Callable[[str], None]) -> float:
    chance = random.Random(5)  # noqa: S311 - the same places each time
    await _walk(sessions, org_id, leads[0])  # warms what a process keeps: connections and statements
    walks = [await _walk(sessions, org_id, lead) for lead in chance.sample(list(leads), min(WALKS, len(leads)))]
    # Of single pages the median tells of their depth; what one in a hundred takes is the disk's share of the moment.
    for depth, took_ms in enumerate(zip(*walks, strict=True), start=1):
        tell(f"timeline: page {depth}: median {median(took_ms):.1f} ms, p99 {p99(list(took_ms)):.1f} ms")
    return p99([took for walk in walks for took in walk])


async def _walk(sessions: Sessions, org_id: UUID, lead_id: UUID) -> list[float]:
    """Return what each page of a lead's timeline took, in ms, newest page first."""
    took_ms: list[float] = []
    seen: set[UUID] = set()
    cursor: str | None = None
    while True:
        began = time.perf_counter()
        items, cursor = await read_timeline(lead_id, (), PAGE, cursor, UnitOfWork(sessions, org_id))
        took_ms.append((time.perf_counter() - began) * 1_000)
        seen.update(item.id for item in items)
        if cursor is None:
            break
    if len(seen) != EACH:
        raise MeasureFailed(f"a timeline has {len(seen)} items, not {EACH}")
    return took_ms
