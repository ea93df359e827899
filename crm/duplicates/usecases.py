"""What people do with duplicates: look at suggestions, merge two leads field by field, undo it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete

from crm.consents.model import refusal_of_calls
from crm.database import utc_now
from crm.duplicates.jobs import FORGET, put_in_search
from crm.duplicates.merging import Choice, merged, undone
from crm.duplicates.model import Merge, Suggestion
from crm.duplicates.store import DuplicateStore
from crm.identity.tokens import Identity
from crm.jobs.queue import JOBS
from crm.leads.addresses import LeadAddresses
from crm.leads.model import DEFAULT_STATUS, Lead
from crm.leads.progress import DO_NOT_CALL
from crm.leads.store import LeadStore
from crm.leads.usecases import LeadNotFound
from crm.notes.model import Note
from crm.page_cursor import Cursor, cut, decode
from crm.pipelines.known import Place
from crm.pipelines.places import place_of_new
from crm.pipelines.store import PipelineStore
from crm.refusals import Refusal, bad_field
from crm.scoring.jobs import ask_for_scores
from crm.unit_of_work import UnitOfWork
from crm.versions import Precondition
from events.ids import new_id

# For so long a merge can be undone; then what is kept for that is emptied.
UNDOABLE: Final = timedelta(days=30)
SORT: Final = "-score"


class MergeNotUndoable(Refusal):
    def __init__(self, reason: str) -> None:
        super().__init__("merge_not_undoable", {"reason": reason})


async def search(unit: UnitOfWork) -> None:
    """Have leads compared by a worker; one search of an organisation waits at a time."""
    async with unit:
        await put_in_search(unit)
        await unit.commit()


async def list_suggestions(
    unit: UnitOfWork, cursor: str | None, limit: int
) -> tuple[Sequence[tuple[Suggestion, Lead, Lead]], str | None]:
    """Return a page, the most alike first, and the cursor of the next one. Raises BadCursor."""
    place = decode(cursor, SORT, int) if cursor else None
    async with unit:
        found = await DuplicateStore(unit).suggestions(place, limit + 1)
    return cut(found, limit, lambda row: Cursor(SORT, row[0].score, row[0].id))


async def dismiss(suggestion_id: UUID, unit: UnitOfWork) -> None:
    """Raises Refusal: `suggestion_not_found`."""
    async with unit:
        if not await DuplicateStore(unit).dismiss(suggestion_id):
            raise Refusal("suggestion_not_found", {"suggestion_id": str(suggestion_id)})
        await unit.commit()


async def merge(
    kept_id: UUID, gone_id: UUID, choices: Mapping[str, Choice], person: Identity, unit: UnitOfWork, read: Precondition
) -> tuple[Lead, Merge]:
    """Make two leads one: the first takes over what is the other's, which is deleted.

    Raises:
        LeadNotFound, VersionChanged
        Refusal: both are the same, or the choices name a stage that the chosen pipeline has not.
    """
    async with unit:
        store = DuplicateStore(unit)
        # First the stages, then the leads: as whoever removes a stage and moves its leads.
        places = await PipelineStore(unit).places()
        rows = await store.lock_rows(kept_id, gone_id)
        for lead_id in (kept_id, gone_id):
            if lead_id not in rows:
                raise LeadNotFound(lead_id)
        if kept_id == gone_id:
            raise bad_field("body.gone_id", "is the same lead")
        kept, gone = rows[kept_id], rows[gone_id]
        read.check(kept["version"])
        after = merged(kept, gone, choices)
        if _place_of(kept | after) not in places:
            raise bad_field("body.choices", "status is no stage of that pipeline: choose both of one lead")
        made = Merge(org_id=unit.org_id, id=new_id(), kept_id=kept_id, gone_id=gone_id, merged_by=person.user_id)
        made.before, made.after, made.gone = {name: kept[name] for name in after}, after, gone
        made.moved = await store.move(gone_id, kept_id)
        # A number that the kept lead does not take over is refused as it was, though no lead has it any more.
        for one in (kept, gone):
            if one["do_not_call"] and one["phone"] and not await LeadStore(unit).refused_calls(one["phone"]):
                evidence = "the lead was marked do-not-call before it was merged"
                told = refusal_of_calls(
                    unit.org_id, str(one["phone"]), utc_now(), "merge", evidence, lead_id=kept_id, by=person.user_id
                )
                unit.session.add(told)
        await unit.session.execute(delete(Lead).where(Lead.org_id == unit.org_id, Lead.id == gone_id))
        addresses = LeadAddresses(unit)
        await addresses.part(kept_id)
        await store.set_fields(kept_id, after)
        await addresses.settle_of(kept_id, kept["email"], gone["email"])
        await ask_for_scores(unit, kept_id)
        unit.session.add(made)
        args = {"org_id": str(unit.org_id), "merge_id": str(made.id)}
        await JOBS.defer(unit, FORGET, args, at=utc_now() + UNDOABLE)
        await unit.session.flush()
        lead = await LeadStore(unit).lock(kept_id)
        assert lead is not None, "locked above"
        await unit.commit()
        return lead, made


async def undo(merge_id: UUID, person: Identity, unit: UnitOfWork) -> Merge:
    """Bring the other lead back with what was its own; what was changed since the merge stays.

    Raises:
        Refusal: `merge_not_found`.
        MergeNotUndoable
    """
    async with unit:
        store = DuplicateStore(unit)
        places = await PipelineStore(unit).places()
        made = await unit.session.get(Merge, (unit.org_id, merge_id), with_for_update=True)
        if made is None:
            raise Refusal("merge_not_found", {"merge_id": str(merge_id)})
        if made.undone_at is not None:
            raise MergeNotUndoable("undone_already")
        if not made.gone:
            raise MergeNotUndoable("too_late")
        rows = await store.lock_rows(made.kept_id, made.gone_id)
        if made.kept_id not in rows or made.gone_id in rows:
            # Merged on: that comes first; or it was deleted.
            raise MergeNotUndoable("kept_lead_gone" if made.kept_id not in rows else "lead_there_again")
        values = undone(rows[made.kept_id], made.before, made.after)
        phone = values.get("phone", rows[made.kept_id]["phone"])
        if values.get("do_not_call") is False and phone and await LeadStore(unit).refused_calls(str(phone)):
            # Refused meanwhile, with proof.
            for name in ("do_not_call", "do_not_call_at", "status"):
                values.pop(name, None)
        if _place_of(rows[made.kept_id] | values) not in places:
            # Its stage was removed meanwhile: the lead stays where it is.
            for name in ("pipeline", "status"):
                values.pop(name, None)
        gone = dict(made.gone)
        addresses = LeadAddresses(unit)
        await addresses.part(made.kept_id)
        if gone["email"] is not None:
            gone["email_twin"] = gone["id"]
        if _place_of(gone) not in places:
            gone["pipeline"] = (await place_of_new(unit)).pipeline
            gone["status"] = DO_NOT_CALL if gone["do_not_call"] else DEFAULT_STATUS
        await store.bring_back(gone)
        if gone["notes"] and not made.moved.get("notes"):
            # Merged by an earlier release, when notes were a text of the lead's own.
            unit.session.add(Note(org_id=unit.org_id, lead_id=made.gone_id, text=gone["notes"]))
            await unit.session.flush()
        await store.move_back(made.moved, made.kept_id, made.gone_id)
        await store.set_fields(made.kept_id, values)
        await addresses.settle_of(made.kept_id, gone["email"], rows[made.kept_id]["email"], values.get("email"))
        await ask_for_scores(unit, made.kept_id, made.gone_id)
        made.undone_at, made.undone_by = utc_now(), person.user_id
        made.gone, made.before, made.after, made.moved = {}, {}, {}, {}
        await unit.commit()
        return made


async def list_merges(unit: UnitOfWork, before: UUID | None, limit: int) -> Sequence[Merge]:
    """Return the newest first; `before` is the id that the last page ended with."""
    async with unit:
        return await DuplicateStore(unit).merges(before, limit)


def _place_of(row: Mapping[str, Any]) -> Place:
    return Place(row["pipeline"], row["status"])
