"""Reading a lead's timeline, page by page."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.page_cursor import Cursor, cut, decode
from crm.timeline.store import Item, Kind, TimelineStore
from crm.unit_of_work import UnitOfWork

SORT: Final = "-at"


async def read_timeline(
    lead_id: UUID, kinds: Collection[Kind], limit: int, cursor: str | None, unit: UnitOfWork
) -> tuple[Sequence[Item], str | None]:
    """Return a page, newest first, and the cursor of the next one, if any; without `kinds` items of every kind.

    Raises:
        LeadNotFound, BadCursor
    """
    place = decode(cursor, SORT, datetime) if cursor is not None else None
    async with unit:
        if await LeadStore(unit).get(lead_id) is None:
            raise LeadNotFound(lead_id)
        found = await TimelineStore(unit).page(lead_id, kinds or list(Kind), limit + 1, place)
    return cut(found, limit, lambda item: Cursor(SORT, item.at, item.id))
