"""Tags in the database, of the unit's organisation."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from crm.database import utc_now
from crm.one_at_a_time import queue_up
from crm.tags.model import LeadTag, Tag
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

# Any number that nobody else uses; with the organisation's: one change of its tags at a time.
TAGS_LOCK: Final = 7_352


class TagStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock_all(self) -> Sequence[Tag]:
        """Return every tag, and keep others from adding, changing or removing any until this transaction ends."""
        await queue_up(TAGS_LOCK, self._unit)
        return await self.all()

    async def all(self) -> Sequence[Tag]:
        statement = select(Tag).where(Tag.org_id == self._org_id).order_by(Tag.key)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).all()

    async def of_lead(self, lead_id: UUID) -> Sequence[Tag]:
        carried = select(LeadTag.tag_id).where(LeadTag.org_id == self._org_id, LeadTag.lead_id == lead_id)
        statement = select(Tag).where(Tag.org_id == self._org_id, Tag.id.in_(carried)).order_by(Tag.key)
        return (await self._session.scalars(statement)).all()

    async def put_on(self, lead_id: UUID, tag_ids: Collection[UUID]) -> None:
        """Let the lead carry these tags and no others."""
        mine = (LeadTag.org_id == self._org_id, LeadTag.lead_id == lead_id)
        await self._session.execute(delete(LeadTag).where(*mine, LeadTag.tag_id.not_in(tag_ids)))
        if tag_ids:
            now = utc_now()
            kept = {"org_id": self._org_id, "lead_id": lead_id, "created_at": now}
            rows = [kept | {"id": new_id(), "tag_id": tag_id} for tag_id in tag_ids]
            await self._session.execute(insert(LeadTag).values(rows).on_conflict_do_nothing())

    async def merge(self, tag: Tag, into: Tag) -> None:
        """Let every lead of the one carry the other, once, and remove the one."""
        await self._session.execute(
            update(LeadTag).where(LeadTag.org_id == self._org_id, LeadTag.tag_id == tag.id).values(tag_id=into.id),
            execution_options={"synchronize_session": False},
        )
        await self._session.delete(tag)
