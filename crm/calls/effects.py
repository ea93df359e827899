"""What each event of a call changes: the call, its transcript, its lead, its money.

Runs inside the transaction that also moves the stream's cursor, on a call that is locked. Applying is told
apart from repeating elsewhere (sequence), so each effect here happens once.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from agent.llm.port import Failure
from crm.appointments.usecases import zone_of
from crm.calls.erased_words import without_words
from crm.calls.erasure_store import ErasureStore
from crm.calls.model import Call
from crm.calls.step import Step
from crm.inbox.promises import keep_promise
from crm.leads.model import Lead, Task
from crm.leads.progress import Standing, after_call, after_fact
from crm.leads.store import LeadStore
from crm.outbox.emitting import OUTBOX
from crm.providers.usecases import note_refusal
from crm.scoring.jobs import ask_for_scores
from crm.understanding.taking import ask_for_notes, take_angry, take_understood
from crm.unit_of_work import UnitOfWork
from crm.usage.book import counts_of
from events import call as happenings
from events.call import Event, FactKind, Speaker
from events.tool import BadArguments, read_local_time
from events.wire import stream_number

CALL_BACK_KIND: Final = "call_back"
WATERFALL_STAGES: Final = (
    "vad_ms",
    "end_of_turn_ms",
    "transcript_ms",
    "first_token_ms",
    "first_audio_ms",
    "sent_ms",
    "played_ms",
)


async def apply(event: Event, call: Call, step: Step) -> None:
    """Store the event and carry out what follows from it; some of it is sent only when the step is written."""
    unit = step.unit
    if call.content_erased_at is not None:
        event = msgspec.structs.replace(event, body=without_words(event.body))
    body = event.body
    step.keep_event(event)
    call.event_count += 1
    # A takeover goes on where another epoch had closed.
    call.closed = isinstance(body, happenings.Closed)
    match body:
        case happenings.TurnFinished() | happenings.TurnTimed():
            await _write_turn(event, body, call, step)
        case happenings.FactNoted():
            await _take_fact(event, body, call, unit)
        case happenings.MessageRequested():
            await keep_promise(body, call, unit)
        case happenings.CallerUnderstood():
            await take_understood(event, body, call, step)
        case happenings.CallerAngry():
            take_angry(event, body, call)
        case happenings.Metered():
            step.meter(call, body.billable_s)
        case happenings.Finished():
            await _finish(event, body, call, step)
        case happenings.ModelUsed():
            await _count_model(event, body, step)
        case happenings.KeyRefused():
            await note_refusal(unit, body.provider, event.at)
        case happenings.RecordingStored() if call.recording_erased_at is not None:
            # Erased while its node still had it: it goes once more.
            await ErasureStore(unit).reopen(call.id)
            await ErasureStore(unit).call_worker()
        case _:
            _update_call(event, body, call)


async def _count_model(event: Event, used: happenings.ModelUsed, step: Step) -> None:
    counts = counts_of(used.prompt_tokens, used.completion_tokens, estimated=used.estimated)
    # Each stream has one reader, so a number of its own keeps the readers from waiting for one another.
    shard = stream_number(event.call_id)
    step.count_usage(event.at.date(), used.provider, counts, own_key=used.own_key, shard=shard)
    if used.own_key and used.failure == Failure.REFUSED_KEY:
        await note_refusal(step.unit, used.provider.partition(":")[0], event.at)


def _update_call(event: Event, body: happenings.Body, call: Call) -> None:
    match body:
        case happenings.StateChanged():
            call.state = body.state.value
            call.reason = body.reason or call.reason
        case happenings.CarrierAccepted():
            call.carrier = body.carrier
            call.carrier_call_id = body.carrier_call_id
        case happenings.Answered():
            call.answered_at = event.at
        case happenings.AnswererKnown():
            call.answered_by = body.answered_by.value
        case happenings.RecordingStored():
            call.recording = msgspec.to_builtins(body)
            call.recording_fault = ""
        case happenings.RecordingFailed():
            call.recording_fault = body.reason
        case _:
            # Barge-ins and the close are told by the stored event itself.
            pass


async def _write_turn(
    event: Event, body: happenings.TurnFinished | happenings.TurnTimed, call: Call, step: Step
) -> None:
    if isinstance(body, happenings.TurnTimed):
        turn = await step.turn(event.call_id, event.epoch, body.turn, Speaker.AGENT.value)
        turn.waterfall = {stage: getattr(body, stage) for stage in WATERFALL_STAGES}
        return
    turn = await step.turn(event.call_id, event.epoch, body.turn, body.speaker.value)
    if call.content_erased_at is None:
        turn.text = body.text
        turn.heard_text = body.heard_text
    turn.started_ms = body.started_ms
    turn.ended_ms = body.ended_ms
    turn.response_ms = body.response_ms
    turn.interrupted = body.interrupted
    turn.prompt_version = body.prompt_version


async def _take_fact(event: Event, fact: happenings.FactNoted, call: Call, unit: UnitOfWork) -> None:
    leads = LeadStore(unit)
    lead = await leads.lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    _stand(lead, after_fact(_standing(lead), fact), event)
    if fact.kind is FactKind.OBJECTION:
        entry = {"name": fact.text, "call_id": str(call.id), "at": event.at.isoformat()}
        lead.objections = [*lead.objections, entry]
    if fact.kind is FactKind.CALLBACK_REQUESTED or (fact.kind is FactKind.BROKEN_OFF and not lead.do_not_call):
        zone = await zone_of(lead, unit)
        unit.session.add(
            Task(
                org_id=unit.org_id,
                lead_id=lead.id,
                call_id=call.id,
                kind=CALL_BACK_KIND,
                title=f"Call {lead.name} back",
                due_text=fact.when,
                due_at=_moment(fact.details.get("at", ""), zone),
            )
        )
    if fact.kind is FactKind.OPTED_OUT:
        await unit.session.flush()
        await leads.stop_calling(call.number, event.at, call.id)


def _moment(local_time: str, zone: ZoneInfo) -> datetime | None:
    try:
        return read_local_time(local_time).replace(tzinfo=zone) if local_time else None
    except BadArguments:
        return None  # what was said is there all the same


async def _finish(event: Event, end: happenings.Finished, call: Call, step: Step) -> None:
    unit = step.unit
    call.state = end.state.value
    call.outcome = end.outcome.value
    call.reason = end.reason or call.reason
    call.duration_s = end.duration_s
    call.ended_at = event.at
    if end.answered_by is not None:
        call.answered_by = end.answered_by.value
    leads = LeadStore(unit)
    lead = await leads.lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    before = _standing(lead)
    after = after_call(before, end.outcome)
    _stand(lead, after, event)
    if after.do_not_call and not before.do_not_call:
        await unit.session.flush()
        await leads.stop_calling(call.number, event.at, call.id)
    await step.settle(call, end.billable_s, event.at)
    await ask_for_notes(call, unit)
    lead.score_due = True
    await ask_for_scores(unit)
    told = {"call_id": str(call.id), "lead_id": str(call.lead_id), "state": call.state, "outcome": call.outcome}
    await OUTBOX.emit(unit, "call.finished", told | {"duration_s": call.duration_s, "ended_at": event.at.isoformat()})


def _standing(lead: Lead) -> Standing:
    return Standing(lead.status, lead.next_step, lead.notes, lead.do_not_call)


def _stand(lead: Lead, standing: Standing, event: Event) -> None:
    if standing.do_not_call and not lead.do_not_call:
        lead.do_not_call_at = event.at
    lead.status = standing.status
    lead.next_step = standing.next_step
    lead.notes = standing.notes
    lead.do_not_call = standing.do_not_call
