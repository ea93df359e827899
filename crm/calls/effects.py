"""What each event of a call changes: the call and its transcript (derived), its lead, its tasks, its money.

Runs inside the transaction that also moves the stream's cursor, on a call that is locked. Applying is told
apart from repeating elsewhere (sequence), so each effect here happens once.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from agent.llm.port import Failure
from crm.appointments.usecases import zone_of
from crm.author import Author, By
from crm.calls.derived import derive
from crm.calls.erased_words import without_words
from crm.calls.erasure_store import ErasureStore
from crm.calls.model import Call
from crm.calls.step import Step
from crm.inbox.promises import keep_promise
from crm.leads.model import Lead, Task
from crm.leads.progress import Standing, after_call, after_fact, asks_for_call, noted
from crm.leads.store import LeadStore
from crm.leads.telling import tell_changed
from crm.legs.effects import close_legs, take_leg
from crm.notes.store import NoteStore
from crm.outbox.emitting import OUTBOX
from crm.phone_numbers.voicemail import take_voicemail
from crm.providers.usecases import note_refusal
from crm.scoring.jobs import ask_for_scores
from crm.understanding.taking import ask_for_notes
from crm.unit_of_work import UnitOfWork
from crm.usage.book import counts_of
from events import call as happenings
from events.call import Event, FactKind, Outcome
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded, LegMetered
from events.tool import BadArguments, read_local_time
from events.wire import stream_number

CALL_BACK_KIND: Final = "call_back"


async def apply(event: Event, call: Call, step: Step) -> None:
    """Store the event and carry out what follows from it; some of it is sent only when the step is written."""
    unit = step.unit
    if call.content_erased_at is not None:
        event = msgspec.structs.replace(event, body=without_words(event.body))
    body = event.body
    step.keep_event(event)
    await derive(event, call, step)
    match body:
        case happenings.FactNoted():
            await _take_fact(event, body, call, unit)
        case happenings.MessageRequested():
            await keep_promise(body, call, unit)
        case happenings.Metered():
            step.meter(call, body.billable_s)
        case happenings.Finished():
            await _finish(event, body, call, step)
        case LegAccepted() | LegAnswered() | LegArranged() | LegMetered() | LegEnded():
            await take_leg(event, body, call, unit)
        case happenings.MessageTaken():
            await take_voicemail(body, call, unit)
        case happenings.ModelUsed():
            await _count_model(event, body, step)
        case happenings.KeyRefused():
            await note_refusal(unit, body.provider, event.at)
        case happenings.RecordingStored() if call.recording_erased_at is not None:
            # Erased while its node still had it: it goes once more.
            await ErasureStore(unit).reopen(call.id)
            await ErasureStore(unit).call_worker()
        case _:
            # The rest is the call's own, and derived.
            pass


async def _count_model(event: Event, used: happenings.ModelUsed, step: Step) -> None:
    counts = counts_of(used.prompt_tokens, used.completion_tokens, estimated=used.estimated)
    # Each stream has one reader, so a number of its own keeps the readers from waiting for one another.
    shard = stream_number(event.call_id)
    step.count_usage(event.at.date(), used.provider, counts, own_key=used.own_key, shard=shard)
    if used.own_key and used.failure == Failure.REFUSED_KEY:
        await note_refusal(step.unit, used.provider.partition(":")[0], event.at)


async def _take_fact(event: Event, fact: happenings.FactNoted, call: Call, unit: UnitOfWork) -> None:
    leads = LeadStore(unit)
    lead = await leads.lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    await _stand(lead, after_fact(_standing(lead), fact), event, unit)
    if text := noted(fact).strip():
        await NoteStore(unit).keep_from_call(call.id, lead.id, place_of(event), text, event.at)
    if fact.kind is FactKind.OBJECTION:
        lead.objections = [*lead.objections, objection_entry(event, fact)]
    if asks_for_call(fact.kind, do_not_call=lead.do_not_call):
        unit.session.add(await task_to_call_back(fact, lead, call, unit))
    if fact.kind is FactKind.OPTED_OUT:
        await unit.session.flush()
        await unit.made_by(Author(By.CALL, call.id))
        await leads.stop_calling(call.number, event.at, call.id)


def place_of(event: Event) -> str:
    """Return what an event's note is known by in its call."""
    return f"{event.epoch}:{event.seq}"


def objection_entry(event: Event, fact: happenings.FactNoted) -> dict[str, str]:
    """Return an objection as the lead keeps it."""
    return {"name": fact.text, "call_id": str(event.call_id), "at": event.at.isoformat()}


async def task_to_call_back(fact: happenings.FactNoted, lead: Lead, call: Call, unit: UnitOfWork) -> Task:
    """Return what has somebody call the lead again."""
    return Task(
        org_id=unit.org_id,
        lead_id=lead.id,
        call_id=call.id,
        kind=CALL_BACK_KIND,
        title=f"Call {lead.name} back",
        due_text=fact.when,
        due_at=_moment(fact.details.get("at", ""), await zone_of(lead, unit)),
    )


def _call_back(lead: Lead, call: Call) -> Task:
    """Return the task of whoever the lead belongs to, whose call nobody took."""
    return Task(
        org_id=call.org_id,
        lead_id=lead.id,
        call_id=call.id,
        kind=CALL_BACK_KIND,
        title=f"Call {lead.name} back: nobody took their call",
        assignee_id=lead.owner_id,
    )


def _moment(local_time: str, zone: ZoneInfo) -> datetime | None:
    try:
        return read_local_time(local_time).replace(tzinfo=zone) if local_time else None
    except BadArguments:
        return None  # what was said is there all the same


async def _finish(event: Event, end: happenings.Finished, call: Call, step: Step) -> None:
    unit = step.unit
    leads = LeadStore(unit)
    lead = await leads.lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    before = _standing(lead)
    after = after_call(before, end.outcome)
    await _stand(lead, after, event, unit)
    if after.do_not_call and not before.do_not_call:
        await unit.session.flush()
        await leads.stop_calling(call.number, event.at, call.id)
    if end.outcome is Outcome.MISSED and not after.do_not_call:
        unit.session.add(_call_back(lead, call))
    await close_legs(call, event.at, unit)
    await step.settle(call, end.billable_s, event.at)
    await ask_for_notes(call, unit)
    lead.score_due = True
    await ask_for_scores(unit)
    told = {"call_id": str(call.id), "lead_id": str(call.lead_id), "state": call.state, "outcome": call.outcome}
    await OUTBOX.emit(unit, "call.finished", told | {"duration_s": call.duration_s, "ended_at": event.at.isoformat()})


def _standing(lead: Lead) -> Standing:
    return Standing(lead.status, lead.next_step, lead.do_not_call)


async def _stand(lead: Lead, standing: Standing, event: Event, unit: UnitOfWork) -> None:
    if standing == _standing(lead):
        return
    await unit.made_by(Author(By.CALL, event.call_id))
    if standing.do_not_call and not lead.do_not_call:
        lead.do_not_call_at = event.at
    lead.status = standing.status
    lead.next_step = standing.next_step
    lead.do_not_call = standing.do_not_call
    await tell_changed(lead, unit)
    # At once: in one transaction many calls change leads.
    await unit.session.flush()
