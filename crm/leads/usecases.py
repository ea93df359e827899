"""What people do with leads: add, read, list and replace them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from crm.custom_fields.usecases import asked_fields, checked_fields
from crm.database import utc_now
from crm.leads.addresses import LeadAddresses, refusal_of
from crm.leads.filters import LeadFilters, Order, Search, Sort, check_search
from crm.leads.lists import LeadLists
from crm.leads.marking import keep_mark
from crm.leads.model import DEFAULT_STATUS, Lead, Task
from crm.leads.progress import DO_NOT_CALL
from crm.leads.store import LeadStore
from crm.leads.telling import tell_changed, tell_created
from crm.notes.model import Note
from crm.page_cursor import Cursor, Value, cut, decode
from crm.pipelines.known import Place
from crm.pipelines.places import hold_place
from crm.refusals import Refusal, bad_field
from crm.scoring.jobs import ask_for_scores
from crm.tags.model import Tag
from crm.tags.store import TagStore
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition


class LeadNotFound(Refusal):
    def __init__(self, lead_id: UUID) -> None:
        super().__init__("lead_not_found", {"lead_id": str(lead_id)})


@dataclass(frozen=True, slots=True)
class LeadFields:
    """What a person may set; the rest follows from calls."""

    name: str
    email: str | None = None
    phone: str | None = None  # E.164
    company: str = ""
    source: str = ""
    pipeline: str | None = None  # None: the organisation's default one
    status: str = DEFAULT_STATUS
    score: int | None = None  # None: as the rules say, or as it is
    custom_fields: dict[str, Any] | None = None
    notes: str = ""  # what goes beyond what is noted becomes a note
    next_step: str = ""
    do_not_call: bool = False  # True marks; False leaves a mark where it is
    time_zone: str = ""
    owner_id: UUID | None = None  # a member


@dataclass(frozen=True, slots=True)
class LeadPage:
    leads: Sequence[Lead]
    total: int
    tags: Mapping[UUID, Sequence[Tag]]  # by lead, of those that carry any


@dataclass(frozen=True, slots=True)
class LeadsAfter:
    leads: Sequence[Lead]
    next: str | None  # the cursor of what follows
    tags: Mapping[UUID, Sequence[Tag]]


@dataclass(frozen=True, slots=True)
class LeadRead:
    lead: Lead
    tasks: Sequence[Task]
    tags: Sequence[Tag]


ANY_VERSION: Final = Precondition(None)
# Evidence of the refusals that marks are kept as.
BY_HAND: Final = "the lead was marked do-not-call by hand"
NEW_NUMBER: Final = "the lead was marked do-not-call when it got this number"
REMOVED: Final = "the lead was marked do-not-call when it was removed"
_NO_FILTERS: Final = LeadFilters()
_KINDS: Final[dict[Sort, type[Value]]] = {
    "created_at": datetime,
    "updated_at": datetime,
    "name": str,
    "score": int,
    "status": str,
}


async def add_lead(fields: LeadFields, unit: UnitOfWork, by: UUID | None = None) -> Lead:
    """Add one.

    Raises:
        LeadExists: another one has the mail address.
        Refusal: there is no such pipeline or stage, the owner is no member, or a custom field is wrong.
    """
    try:
        return await _add_lead(fields, unit, by)
    except IntegrityError as error:
        raise await refusal_of(error, fields.email, unit) from None


async def _add_lead(fields: LeadFields, unit: UnitOfWork, by: UUID | None) -> Lead:
    async with unit:
        await LeadAddresses(unit).check_free(fields.email)
        place = await hold_place(fields.pipeline, fields.status, unit)
        await _check_owner(fields, unit)
        custom = await checked_fields(fields.custom_fields or {}, None, unit)
        lead = Lead(org_id=unit.org_id, name=fields.name, custom_fields=custom)
        _fill(lead, await _minding_refusals(fields, None, place, unit), place, by)
        unit.session.add(lead)
        await unit.session.flush()
        await keep_mark(lead, BY_HAND, by, unit)
        await _note(fields.notes, lead, unit, by)
        await ask_for_scores(unit)
        await tell_created(lead, unit)
        await unit.commit()
        return lead


async def replace_lead(
    lead_id: UUID, fields: LeadFields, unit: UnitOfWork, read: Precondition = ANY_VERSION, by: UUID | None = None
) -> Lead:
    """Set all that a person may set.

    Raises:
        LeadNotFound, VersionChanged
        LeadExists: another one has the mail address.
        Refusal: there is no such pipeline or stage, the owner is no member, or a custom field is wrong.
    """
    try:
        return await _replace_lead(lead_id, fields, unit, read, by)
    except IntegrityError as error:
        raise await refusal_of(error, fields.email, unit) from None


async def _replace_lead(
    lead_id: UUID, fields: LeadFields, unit: UnitOfWork, read: Precondition, by: UUID | None
) -> Lead:
    async with unit:
        # First the stage, then the lead: as whoever removes the stage and moves its leads.
        place = await hold_place(fields.pipeline, fields.status, unit)
        lead = await LeadStore(unit).lock(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        read.check(lead.version)
        await _check_owner(fields, unit)
        before, number = lead.email, lead.phone
        if fields.email != before:
            await LeadAddresses(unit).check_free(fields.email, lead_id)
            lead.email_twin = None
        custom = await checked_fields(fields.custom_fields or {}, lead.custom_fields, unit)
        asked = await _minding_refusals(fields, lead, place, unit)
        lead.custom_fields = custom
        _fill(lead, asked, place, by)
        await tell_changed(lead, unit)
        await unit.session.flush()
        if lead.email != before:
            await LeadAddresses(unit).settle(before)
        if fields.do_not_call or lead.phone != number:
            await keep_mark(lead, BY_HAND if fields.do_not_call else NEW_NUMBER, by, unit)
        await _note(fields.notes, lead, unit, by)
        await ask_for_scores(unit)
        await unit.commit()
        return lead


async def move_lead(
    lead_id: UUID, pipeline: str | None, status: str, unit: UnitOfWork, read: Precondition = ANY_VERSION
) -> Lead:
    """Put a lead into another stage, of its own pipeline where none is said.

    Raises:
        LeadNotFound, VersionChanged
        Refusal: there is no such pipeline or stage; or the stage tells of a wish not to be called that was not said,
            or the lead's person has one.
    """
    async with unit:
        store = LeadStore(unit)
        lead = await store.get(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        place = await hold_place(pipeline or lead.pipeline, status, unit)
        lead = await store.lock(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        read.check(lead.version)
        if lead.do_not_call and place.status != DO_NOT_CALL:
            raise Refusal("do_not_call")
        _check_mark(place, marked=lead.do_not_call)
        lead.pipeline, lead.status = place.pipeline, place.status
        await tell_changed(lead, unit)
        await ask_for_scores(unit)
        await unit.commit()
        return lead


async def remove_lead(
    lead_id: UUID, unit: UnitOfWork, read: Precondition = ANY_VERSION, by: UUID | None = None
) -> None:
    """Delete a lead that was never called, with its notes, tasks, tags, appointments and changes.

    Consents stay: they are the address's; a mark do-not-call that none was kept for becomes one. Calls would go with
    their lead, and with them what was paid for; a lead that has some stays, and the words of its calls can be erased
    one by one.

    Raises:
        LeadNotFound, VersionChanged
        Refusal: it was called.
    """
    async with unit:
        store = LeadStore(unit)
        # A call that is being placed refers to the lead, and so waits for this lock or is seen.
        lead = await store.lock(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        read.check(lead.version)
        if await store.has_calls(lead_id):
            raise Refusal("lead_has_calls", {"lead_id": str(lead_id)})
        await keep_mark(lead, REMOVED, by, unit)
        await store.remove(lead)
        await unit.session.flush()
        await LeadAddresses(unit).settle(lead.email)
        await unit.commit()


async def read_lead(lead_id: UUID, unit: UnitOfWork) -> LeadRead:
    """Raises LeadNotFound."""
    async with unit:
        store = LeadStore(unit)
        lead = await store.get(lead_id)
        if lead is None:
            raise LeadNotFound(lead_id)
        return LeadRead(lead, await store.tasks_of(lead_id), await TagStore(unit).of_lead(lead_id))


async def list_leads(
    unit: UnitOfWork,
    *,
    page: int = 1,
    limit: int = 20,
    sort: Sort = "created_at",
    order: Order = "desc",
    filters: LeadFilters = _NO_FILTERS,
) -> LeadPage:
    """Return a numbered page and how many leads there are; both take longer the more there are."""
    async with unit:
        store = LeadLists(unit)
        leads = await store.page(page, limit, sort, order, filters)
        tags = await TagStore(unit).of_leads([lead.id for lead in leads])
        return LeadPage(leads, await store.count(filters), tags)


async def count_up_to(most: int, filters: LeadFilters, unit: UnitOfWork) -> int:
    """Return how many leads there are, or `most` when there are more: no longer a walk than that."""
    async with unit:
        return await LeadLists(unit).count_up_to(most, filters)


async def leads_after(
    unit: UnitOfWork,
    cursor: str,
    *,
    limit: int = 20,
    sort: Sort = "created_at",
    order: Order = "desc",
    filters: LeadFilters = _NO_FILTERS,
    search: Search | None = None,
) -> LeadsAfter:
    """Return the leads that follow a cursor, or the first ones after an empty one.

    Raises:
        Refusal: the cursor is none of this list, or what is searched for cannot be.
    """
    named = f"{sort}:{order}"
    place = decode(cursor, named, _KINDS[sort]) if cursor else None
    if search is not None:
        check_search(search, filters, sort, order)
    async with unit:
        store = LeadLists(unit)
        if search is not None:
            asked = Search(search.words, await asked_fields(search.fields, unit))
            found = await store.search(asked, place, limit + 1, filters)
        else:
            found = await store.following(place, limit + 1, sort, order, filters)
        page, following = cut(found, limit, lambda lead: Cursor(named, getattr(lead, sort), lead.id))
        return LeadsAfter(page, following, await TagStore(unit).of_leads([lead.id for lead in page]))


async def _check_owner(fields: LeadFields, unit: UnitOfWork) -> None:
    if fields.owner_id is not None and not await LeadStore(unit).has_member(fields.owner_id):
        raise bad_field("body.owner_id", "is no member of this organisation: take a person's id from it")


async def _minding_refusals(fields: LeadFields, lead: Lead | None, place: Place, unit: UnitOfWork) -> LeadFields:
    """Return the fields with the mark that holds: neither leaving it out nor adding a lead anew lifts one."""
    marked = fields.do_not_call or (lead is not None and lead.do_not_call)
    if not marked and fields.phone is not None:
        marked = await LeadStore(unit).refused_calls(fields.phone)
    _check_mark(place, marked=marked)
    return replace(fields, do_not_call=marked)


def _check_mark(place: Place, *, marked: bool) -> None:
    if place.status == DO_NOT_CALL and not marked:
        raise bad_field("body.status", "follows from do_not_call: mark the lead, or keep a refusal")


async def _note(text: str, lead: Lead, unit: UnitOfWork, by: UUID | None) -> None:
    """Keep a text of a lead's notes, as far as it says more than they do, as one more of them."""
    more = text.removeprefix(lead.notes or "").strip()
    if not more or text.strip() == (lead.notes or "").strip():
        return
    unit.session.add(Note(org_id=unit.org_id, lead_id=lead.id, text=more, author_id=by))
    await unit.session.flush()
    # The database writes it, from all of them.
    await unit.session.refresh(lead, ["notes"])


def _fill(lead: Lead, fields: LeadFields, place: Place, by: UUID | None) -> None:
    lead.name = fields.name
    lead.email = fields.email
    lead.phone = fields.phone
    lead.company = fields.company
    lead.source = fields.source
    lead.pipeline = place.pipeline
    lead.status = place.status
    if fields.score is not None and fields.score != (lead.score or 0):
        # What is sent back as it was read is nobody's wish.
        lead.score, lead.score_set_by, lead.score_set_at = fields.score, by, utc_now()
    lead.next_step = fields.next_step
    lead.time_zone = fields.time_zone
    lead.owner_id = fields.owner_id
    if fields.do_not_call:
        lead.do_not_call_at = lead.do_not_call_at or utc_now()
        lead.status = DO_NOT_CALL
    lead.do_not_call = fields.do_not_call
