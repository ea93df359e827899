"""Tags in the database, of the unit's organisation."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from crm.database import utc_now
from crm.one_at_a_time import queue_up
from crm.tags.model import LeadTag, Tag
from crm.timeline.model import LeadChange
from crm.unit_of_work import UnitOfWork

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

    async def of_leads(self, lead_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Tag]]:
        """Return what these leads carry, by lead, in one question; a lead without tags is not in it."""
        statement = (
            select(LeadTag.lead_id, Tag)
            .join(Tag, (Tag.org_id == LeadTag.org_id) & (Tag.id == LeadTag.tag_id))
            .where(LeadTag.org_id == self._org_id, LeadTag.lead_id.in_(lead_ids))
            .order_by(Tag.key)
        )
        found: dict[UUID, list[Tag]] = {}
        for lead_id, tag in await self._session.execute(statement):
            found.setdefault(lead_id, []).append(tag)
        return found

    async def put_on(self, lead_id: UUID, tags: Sequence[Tag]) -> None:
        """Let the lead carry these tags and no others; the timeline tells what went and what came."""
        before = await self.of_lead(lead_id)
        gone, come = [tag for tag in before if tag not in tags], [tag for tag in tags if tag not in before]
        mine = (LeadTag.org_id == self._org_id, LeadTag.lead_id == lead_id)
        await self._session.execute(delete(LeadTag).where(*mine, LeadTag.tag_id.in_([tag.id for tag in gone])))
        self._session.add_all(LeadTag(org_id=self._org_id, lead_id=lead_id, tag_id=tag.id) for tag in come)
        if gone or come:
            changes = _change([tag.name for tag in gone], [tag.name for tag in come])
            self._session.add(LeadChange(org_id=self._org_id, lead_id=lead_id, changes=changes))

    async def merge(self, tag: Tag, into: Tag) -> None:
        """Let every lead of the one carry the other, once, and remove the one."""
        await self._tell(tag, [into.name])
        await self._session.execute(
            update(LeadTag).where(LeadTag.org_id == self._org_id, LeadTag.tag_id == tag.id).values(tag_id=into.id),
            execution_options={"synchronize_session": False},
        )
        await self._session.delete(tag)

    async def remove(self, tag: Tag) -> None:
        """Take it off every lead, too."""
        await self._tell(tag, [])
        await self._session.delete(tag)

    async def _tell(self, tag: Tag, instead: list[str]) -> None:
        """Let the timeline of every lead of a tag tell that it went, and what came."""
        carried = select(
            literal(self._org_id), func.gen_random_uuid(), LeadTag.lead_id, literal(utc_now()),
            literal(_change([tag.name], instead), JSONB()),
        ).where(LeadTag.org_id == self._org_id, LeadTag.tag_id == tag.id)  # fmt: skip
        columns = ("org_id", "id", "lead_id", "at", "changes")
        await self._session.execute(insert(LeadChange).from_select(columns, carried, include_defaults=False))


def _change(gone: list[str], come: list[str]) -> dict[str, Any]:
    """Return a change as the timeline has them: of each field what was and what is, here of the tags that differ."""
    return {"tags": [gone, come]}
