"""Saving a call's notes, and what of them goes on its lead."""

from collections.abc import Sequence
from uuid import UUID

from agent.llm.registry import SCRIPTED
from agent.llm.usage import Fate, ModelCall
from crm.calls.store import CallStore
from crm.database import utc_now
from crm.leads.store import LeadStore
from crm.understanding.fields import Notes
from crm.understanding.merge import known_of, merge
from crm.understanding.model import CallNotes, Source, Status
from crm.understanding.store import NoteStore
from crm.unit_of_work import UnitOfWork


def unusable(notes: CallNotes) -> bool:
    """True where no model may write them any more: they are written."""
    return notes.status == Status.WRITTEN.value


def count(notes: CallNotes, calls: Sequence[ModelCall]) -> None:
    """Add what requests took. A cost is None where a price is unknown."""
    for call in calls:
        notes.prompt_tokens += call.usage.prompt_tokens
        notes.completion_tokens += call.usage.completion_tokens
        if call.fate is Fate.SPOKEN:
            notes.model = call.provider
    if calls:
        costs = [call.cost for call in calls]
        known = sum(cost for cost in costs if cost is not None)
        notes.cost_milli = None if None in costs else (notes.cost_milli or 0) + known


async def save(
    call_id: UUID, written: Notes, source: Source, calls: Sequence[ModelCall], unit: UnitOfWork, by: UUID | None = None
) -> CallNotes | None:
    """Write a call's notes and give its lead what it lacks; None when its words were erased meanwhile.

    A model never writes over what is written; a person does.
    """
    async with unit:
        store = NoteStore(unit)
        # Locked as its events lock it: an erasure comes before this or after, never between.
        call = await CallStore(unit).lock(call_id)
        if call is None or call.content_erased_at is not None:
            await store.dismiss_worker(call_id)
            await unit.commit()
            return None
        notes = await store.open(call_id)
        if unusable(notes) and source is not Source.PERSON:
            await store.dismiss_worker(call_id)
            await unit.commit()
            return notes
        lead = await LeadStore(unit).lock(call.lead_id)
        assert lead is not None, "a call's lead outlives it"
        known = known_of(lead.name, lead.phone, lead.email, lead.company, lead.next_step)
        merged = merge(known, written.values)
        for name, value in merged.changes.items():
            setattr(lead, name, value)
        notes.status, notes.reason, notes.source = Status.WRITTEN.value, "", source.value
        notes.summary, notes.fields, notes.suggested = written.summary, dict(merged.values), dict(merged.suggested)
        notes.written_by, notes.written_at = by, utc_now()
        if source is not Source.PERSON:
            notes.attempts += 1
        count(notes, calls)
        if notes.model == SCRIPTED and source is Source.MODEL:
            notes.source = Source.SCRIPT.value  # it stood in for models that failed
        await store.dismiss_worker(call_id)
        await unit.commit()
        return notes
