"""From the journal into the database, beside the requests."""

import asyncio
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import structlog
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from crm.audit.journal import Journal
from crm.audit.store import AuditStore
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork

EVERY_S: Final = 1.0
AWAY_S: Final = 5.0
BATCH: Final = 500

log = structlog.get_logger()


async def drain_for_ever(journal: Journal, sessions: Sessions) -> None:
    """Bring over what waits, again and again; while the database is away, or has no room for it, it waits."""
    away = False
    while True:
        try:
            await drain(journal, sessions)
        except (SQLAlchemyError, TimeoutError, OSError) as error:
            if not away:
                log.error("audit.waits", error=type(error).__name__)
            away = True
            await asyncio.sleep(AWAY_S)
            continue
        if away:
            log.info("audit.goes_on")
        away = False
        await asyncio.sleep(EVERY_S)


async def drain(journal: Journal, sessions: Sessions) -> int:
    """Bring over what waits now, and return how many entries it was. Done twice, it is there once.

    Raises:
        SQLAlchemyError, TimeoutError: what is not there yet stays in the journal.
    """
    count = 0
    for path in journal.take():
        entries = journal.read(path)
        of_orgs: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in entries:
            of_orgs[entry["org_id"]].append(entry)
        for org_id, own in of_orgs.items():
            for begin in range(0, len(own), BATCH):
                await _put(UUID(org_id), own[begin : begin + BATCH], sessions)
        journal.drop(path)
        count += len(entries)
    return count


async def _put(org_id: UUID, entries: list[dict[str, Any]], sessions: Sessions) -> None:
    try:
        async with UnitOfWork(sessions, org_id) as unit:
            await AuditStore(unit).put(entries)
            await unit.commit()
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            # Such as a month without a partition: it waits until the worker has made one.
            raise
        # The organisation was deleted meanwhile, with all that was written down about it.
        log.info("audit.of_nobody", entries=len(entries))
