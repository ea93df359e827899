"""What people do with tags: make, name, merge and remove them, and put them on leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.refusals import Refusal, bad_field
from crm.tags.likeness import key_of, similar
from crm.tags.model import Tag
from crm.tags.store import TagStore
from crm.unit_of_work import UnitOfWork

TAGS_MAX: Final = 100  # of an organisation


class TagNotFound(Refusal):
    def __init__(self, tag_id: UUID) -> None:
        super().__init__("tag_not_found", {"tag_id": str(tag_id)})


@dataclass(frozen=True, slots=True)
class TagFields:
    name: str
    color: str


async def list_tags(unit: UnitOfWork) -> Sequence[Tag]:
    async with unit:
        return await TagStore(unit).all()


async def similar_tags(unit: UnitOfWork) -> list[tuple[Tag, Tag]]:
    """Return the pairs that may be meant as one."""
    return list(similar([(tag, tag.name) for tag in await list_tags(unit)]))


async def add_tag(fields: TagFields, unit: UnitOfWork) -> Tag:
    """Raises Refusal: the name is taken, or there are TAGS_MAX."""
    async with unit:
        tags = await TagStore(unit).lock_all()
        _check_name(fields.name, None, tags)
        if len(tags) >= TAGS_MAX:
            raise Refusal("too_many_tags", {"max": TAGS_MAX})
        tag = Tag(org_id=unit.org_id, name=fields.name, key=key_of(fields.name), color=fields.color)
        unit.session.add(tag)
        await unit.commit()
        return tag


async def change_tag(tag_id: UUID, fields: TagFields, unit: UnitOfWork) -> Tag:
    """Raises TagNotFound, or Refusal: the name is taken."""
    async with unit:
        tags = await TagStore(unit).lock_all()
        tag = _one_of(tags, tag_id)
        _check_name(fields.name, tag, tags)
        tag.name, tag.key, tag.color = fields.name, key_of(fields.name), fields.color
        await unit.commit()
        return tag


async def remove_tag(tag_id: UUID, unit: UnitOfWork) -> None:
    """Take it off every lead, too. Raises TagNotFound."""
    async with unit:
        store = TagStore(unit)
        await store.remove(_one_of(await store.lock_all(), tag_id))
        await unit.commit()


async def merge_tags(tag_id: UUID, into_id: UUID, unit: UnitOfWork) -> Tag:
    """Return the tag that is left. Raises TagNotFound, or Refusal: it is one tag."""
    async with unit:
        store = TagStore(unit)
        tags = await store.lock_all()
        tag, into = _one_of(tags, tag_id), _one_of(tags, into_id)
        if tag is into:
            raise bad_field("body.into_id", "is the tag itself: name the one that shall be left")
        await store.merge(tag, into)
        await unit.commit()
        return into


async def tags_of(lead_id: UUID, unit: UnitOfWork) -> Sequence[Tag]:
    """Raises LeadNotFound."""
    async with unit:
        await _find_lead(lead_id, unit)
        return await TagStore(unit).of_lead(lead_id)


async def put_tags(lead_id: UUID, tag_ids: frozenset[UUID], unit: UnitOfWork) -> Sequence[Tag]:
    """Let a lead carry these and no others. Raises LeadNotFound, or Refusal: one is no tag of the organisation."""
    async with unit:
        await _find_lead(lead_id, unit)
        store = TagStore(unit)
        # Locked, so that none is merged or removed while it is put on.
        tags = await store.lock_all()
        if unknown := tag_ids - {tag.id for tag in tags}:
            raise bad_field("body.tag_ids", f"has what is no tag: {min(unknown)}")
        carried = [tag for tag in tags if tag.id in tag_ids]
        await store.put_on(lead_id, carried)
        await unit.commit()
        return carried


async def _find_lead(lead_id: UUID, unit: UnitOfWork) -> None:
    if await LeadStore(unit).get(lead_id) is None:
        raise LeadNotFound(lead_id)


def _one_of(tags: Sequence[Tag], tag_id: UUID) -> Tag:
    for tag in tags:
        if tag.id == tag_id:
            return tag
    raise TagNotFound(tag_id)


def _check_name(name: str, of: Tag | None, tags: Sequence[Tag]) -> None:
    for tag in tags:
        if tag is not of and tag.key == key_of(name):
            raise Refusal("tag_exists", {"tag_id": str(tag.id)})
