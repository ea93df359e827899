"""What people do with exports: ask for one, look whether it is ready, fetch its files."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from obstore.store import ObjectStore

from crm.calls.recordings import Span, read, size_of
from crm.database import Sessions, utc_now
from crm.exports.jobs import FILTERS, WRITE, key_of
from crm.exports.links import ExportNotFound, link_of, read_link
from crm.exports.model import Export, Format, State
from crm.exports.store import ExportStore
from crm.identity.tokens import Identity
from crm.jobs.queue import JOBS
from crm.leads.filters import LeadFilters
from crm.leads.store import LeadStore
from crm.refusals import Refusal, bad_field
from crm.tags.model import Tag
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


@dataclass(frozen=True, slots=True)
class Fetched:
    name: str
    size_bytes: int
    pieces: AsyncGenerator[bytes, None]


async def ask_for(format: Format, filters: LeadFilters, person: Identity, unit: UnitOfWork) -> Export:  # noqa: A002
    """Have the leads written that a list of these filters shows. Raises Refusal: no such owner, or tag."""
    made = Export(org_id=unit.org_id, id=new_id(), created_by=person.user_id, format=format)
    made.filters = _told(filters)
    async with unit:
        if filters.owner_id is not None and not await LeadStore(unit).has_member(filters.owner_id):
            # Kept, it would be told to whoever lists exports.
            raise bad_field("query.owner_id", "is no member of this organisation: take a person's id from it")
        if filters.tag_id is not None and await unit.session.get(Tag, (unit.org_id, filters.tag_id)) is None:
            raise bad_field("query.tag_id", "is no tag of this organisation: take one of GET /api/tags")
        unit.session.add(made)
        args = {"org_id": str(unit.org_id), "export_id": str(made.id)}
        await JOBS.defer(unit, WRITE, args, lock=f"exports:{unit.org_id}")
        await unit.commit()
        return made


def _told(filters: LeadFilters) -> dict[str, Any]:
    return dict(FILTERS.dump_python(filters, mode="json", exclude_none=True))


async def read_export(export_id: UUID, unit: UnitOfWork) -> Export:
    """Raises ExportNotFound."""
    async with unit:
        held = await ExportStore(unit).get(export_id)
        if held is None:
            raise ExportNotFound
        return held


async def list_exports(unit: UnitOfWork, before: UUID | None, limit: int) -> Sequence[Export]:
    """Return the newest first; `before` is the id that the last page ended with."""
    async with unit:
        return await ExportStore(unit).newest(before, limit)


def links_to(held: Export, key: str) -> list[str]:
    """Return the paths of a finished export's files; none of another one."""
    if held.state != State.FINISHED or held.expires_at is None or held.expires_at <= utc_now():
        return []
    return [link_of(held.org_id, held.id, number, held.expires_at, key) for number in range(len(held.files))]


async def fetch(token: str, sessions: Sessions, store: ObjectStore, key: str) -> Fetched:
    """Return the file of a link, and count that it was fetched.

    Raises:
        ExportNotFound
        Refusal: `store_away`.
    """
    org_id, export_id, number = read_link(token, key)
    async with UnitOfWork(sessions, org_id) as unit:
        held = await ExportStore(unit).lock(export_id)
        if held is None or held.state != State.FINISHED or not 0 <= number < len(held.files):
            raise ExportNotFound
        named = held.files[number]
        try:
            size = await size_of(store, key_of(org_id, export_id, number))
        except Refusal as refusal:
            if refusal.code == "store_away":
                raise
            raise ExportNotFound from None
        held.fetched += 1
        held.fetched_at = utc_now()
        await unit.commit()
    span = Span(0, size, size, partial=False)
    return Fetched(str(named["name"]), size, read(store, key_of(org_id, export_id, number), span))
