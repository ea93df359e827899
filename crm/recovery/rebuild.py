"""Makes what follows from a call's stored events anew, in one transaction: after a fault in what applied them.

The call's own rows are made from nothing but its events, so that what a fault wrote, or left out, is gone; of its lead
what its calls say. Done again it changes nothing. What leaves the house is never done twice: no message is sent, no
webhook called, no credit moved that has been; a promise that nobody kept becomes a task. Sums of model usage, which no
row of a call holds, are left alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from crm.calls.derived import derive
from crm.calls.effects import CALL_BACK_KIND, objection_entry, place_of, task_to_call_back
from crm.calls.model import QUEUED, Call, CallEvent, Turn
from crm.calls.step import Step
from crm.calls.store import CallStore
from crm.consents.model import Channel as Reached
from crm.consents.store import ConsentStore
from crm.inbox.promises import task_to_send
from crm.leads.model import Lead
from crm.leads.progress import Standing, noted
from crm.leads.store import LeadStore
from crm.notes.store import NoteStore as LeadNotes
from crm.recovery.rebuild_store import RebuildStore
from crm.recovery.standing import calls_back, standing_by_calls
from crm.scoring.jobs import ask_for_scores
from crm.understanding.store import NoteStore, ObjectionStore
from crm.understanding.taking import ask_for_notes, objections_in
from crm.unit_of_work import UnitOfWork
from events.call import (
    Body,
    Event,
    FactKind,
    FactNoted,
    Finished,
    MessageRequested,
    Outcome,
    Speaker,
    TurnFinished,
    TurnTimed,
)
from events.understanding import CallerUnderstood

# As a call is before its first event.
_CALL_BLANK: Final[Mapping[str, Any]] = {
    **{"state": QUEUED, "outcome": None, "reason": "", "answered_by": None, "carrier": "", "carrier_call_id": None},
    **{"duration_s": 0.0, "recording": None, "recording_fault": "", "closed": False, "angry_at": None},
    **{"answered_at": None, "ended_at": None, "event_count": 0},
}
_TURN_BLANK: Final[Mapping[str, Any]] = {
    **{"text": None, "heard_text": None, "started_ms": None, "ended_ms": None, "response_ms": None},
    **{"interrupted": False, "prompt_version": "", "waterfall": None, "mood": None, "sentiment": None},
    "sentiment_confidence": None,
}
_PERSON: Final = "person"  # objections that somebody wrote down


class Part(StrEnum):
    """What of a call was made anew, each with how many rows differ."""

    CALL = "call"
    TURNS = "turns"
    OBJECTIONS = "objections"
    LEAD = "lead"
    TASKS = "tasks"
    NOTED = "noted"  # notes of the lead
    NOTES = "notes"  # of the call: asked for, where they never were
    MONEY = "money"  # settled, where it never was


@dataclass(frozen=True, slots=True)
class Rebuilt:
    changed: Mapping[Part, int]
    missing: int = 0  # events that never were applied: they may lie with the dead letters
    lead_left: bool = False  # the lead differs, and stays, because somebody changed it since


class NothingStored(Exception):
    """The call has no events: it is left as it is."""


class CannotRead(Exception):
    """An event is stored in a form that this release does not know: the call is left as it is."""


async def rebuild_call(call: Call, unit: UnitOfWork, *, calls_decide: bool = False) -> Rebuilt:
    """Make a locked call's rows anew from its stored events. In the caller's transaction.

    Args:
        calls_decide: where the lead stands by its calls goes before what somebody changed since.

    Raises:
        NothingStored, CannotRead: nothing must be committed.
    """
    events = [_event(row) for row in await RebuildStore(unit).events(call.id)]
    if not events:
        raise NothingStored
    changed: Counter[Part] = Counter()
    step = Step(unit)
    were = {one.id for one in await ObjectionStore(unit).of_call(call.id)}
    with unit.session.no_autoflush:
        changed += await _call_and_turns(call, events, step)
    await unit.session.flush()
    changed[Part.OBJECTIONS] = await _objections(call, events, were, unit)
    changed[Part.MONEY] = await _settle(call, events, step)
    lead = await LeadStore(unit).lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    changed[Part.TASKS] = await _tasks(call, lead, events, unit)
    lead_changed, left = await _lead(call, lead, events, unit, calls_decide=calls_decide)
    changed[Part.LEAD] = lead_changed
    changed[Part.NOTED] = await _noted(call, lead, events, unit)
    changed[Part.NOTES] = await _notes(call, events, unit)
    await unit.session.flush()
    if lead_changed:
        await ask_for_scores(unit, lead.id)
    return Rebuilt(+changed, _missing(call, events), left)


def _event(row: CallEvent) -> Event:
    try:
        body: Body = msgspec.convert(row.body, Body)
    except msgspec.ValidationError as error:
        raise CannotRead(row.kind) from error
    return Event(row.org_id, row.call_id, row.epoch, row.seq, row.at, body)


def _missing(call: Call, events: Sequence[Event]) -> int:
    """Return how many places within the epochs no event has; how far an epoch went that was taken over nobody knows."""
    ends = {event.epoch: event.seq for event in events} | {call.epoch: call.seq}
    return sum(ends.values()) - len(events)


async def _call_and_turns(call: Call, events: Sequence[Event], step: Step) -> Counter[Part]:
    before = {name: getattr(call, name) for name in _CALL_BLANK}
    turns = await CallStore(step.unit).turns(call.id)
    were = {_key(turn): {name: getattr(turn, name) for name in _TURN_BLANK} for turn in turns}
    for name, blank in _CALL_BLANK.items():
        setattr(call, name, blank)
    for turn in turns:
        for name, blank in _TURN_BLANK.items():
            setattr(turn, name, blank)
    keys = {key for event in events if (key := _turn_of(event)) is not None}
    await step.look_up_turns({call.id}, {number for _, number, _ in {*keys, *were}})
    for event in events:
        await derive(event, call, step)
    if call.recording_erased_at is not None:
        call.recording, call.recording_fault = before["recording"], before["recording_fault"]
    for turn in turns:
        if _key(turn) not in keys:
            await step.unit.session.delete(turn)
    made = {key: await step.turn(call.id, *key) for key in keys}
    differ = sum(were.get(key) != {name: getattr(turn, name) for name in _TURN_BLANK} for key, turn in made.items())
    same = before == {name: getattr(call, name) for name in _CALL_BLANK}
    return Counter({Part.CALL: 0 if same else 1, Part.TURNS: differ + len(were.keys() - keys)})


def _key(turn: Turn) -> tuple[int, int, str]:
    return turn.epoch, turn.turn, turn.speaker


def _turn_of(event: Event) -> tuple[int, int, str] | None:
    match event.body:
        case TurnFinished(turn=number, speaker=speaker):
            return event.epoch, number, speaker.value
        case TurnTimed(turn=number):
            return event.epoch, number, Speaker.AGENT.value
        case CallerUnderstood(turn=number):
            return event.epoch, number, Speaker.CALLER.value
        case _:
            return None


async def _objections(call: Call, events: Sequence[Event], were: Set[UUID], unit: UnitOfWork) -> int:
    """Correct what was written down, and take out what no event tells of; what a person said of one stays."""
    told: dict[tuple[int, int, str], dict[str, Any]] = {}
    for event in events:
        if isinstance(event.body, CallerUnderstood):
            for values in objections_in(event, event.body, call):
                told.setdefault((values["epoch"], values["turn"], values["kind"]), values)
    found = await ObjectionStore(unit).of_call(call.id)
    changed = len({one.id for one in found} - were)
    for objection in found:
        values = told.get((objection.epoch, objection.turn, objection.kind), {})
        if not values:
            if objection.corrected_kind is None and objection.source != _PERSON:
                await unit.session.delete(objection)
                changed += 1
            continue
        if any(getattr(objection, name) != value for name, value in values.items()):
            changed += 1
            for name, value in values.items():
                setattr(objection, name, value)
    return changed


async def _settle(call: Call, events: Sequence[Event], step: Step) -> int:
    """Settle a call that is over and never was; what was settled stays as it was booked."""
    if call.settled_at is not None:
        return 0
    for event in events:
        if isinstance(event.body, Finished):
            place = call.epoch, call.seq
            # What is booked is named after the place of its event.
            call.epoch, call.seq = event.epoch, event.seq
            await step.settle(call, event.body.billable_s, event.at)
            call.epoch, call.seq = place
    return 1 if call.settled_at is not None else 0


async def _tasks(call: Call, lead: Lead, events: Sequence[Event], unit: UnitOfWork) -> int:
    """Make tasks that are missing; those that are there are people's, whatever became of them."""
    if call.content_erased_at is not None:
        # What was asked for and promised cannot be told apart any more.
        return 0
    store = RebuildStore(unit)
    there = Counter(await store.tasks_due(call, CALL_BACK_KIND))
    made = []
    for fact in calls_back(await store.told_of(lead.id), call.id):
        if there[fact.when]:
            there[fact.when] -= 1
        else:
            made.append(await task_to_call_back(fact, lead, call, unit))
    promised = Counter(event.body.channel for event in events if isinstance(event.body, MessageRequested))
    for channel, count in promised.items():
        unkept = range(count - await store.kept_promises(call, channel))
        made += [task_to_send(channel, lead, call.id, unit) for _ in unkept]
    unit.session.add_all(made)
    return len(made)


async def _lead(
    call: Call, lead: Lead, events: Sequence[Event], unit: UnitOfWork, *, calls_decide: bool
) -> tuple[int, bool]:
    """Put the lead where its calls say; return 1 where it changed, and whether it differs and was left."""
    store = RebuildStore(unit)
    before = (lead.status, lead.next_step, lead.do_not_call, lead.objections)
    if call.content_erased_at is None:
        lead.objections = _objections_by(call, lead, events)
    await _refusals(call, events, unit)
    await unit.session.refresh(lead, ["do_not_call", "status", "next_step"])
    stands = standing_by_calls(
        await store.told_of(lead.id),
        await store.status_changes(lead.id),
        Standing(lead.status, lead.next_step, lead.do_not_call),
    )
    wanted = (stands.standing.status, stands.standing.next_step)
    left = stands.decided and wanted != (lead.status, lead.next_step)
    # A wish not to be called is lifted by a grant only, and then stands with the consents.
    if left and (calls_decide or not stands.changed_since) and not lead.do_not_call and not stands.standing.do_not_call:
        lead.status, lead.next_step = wanted
        left = False
    await unit.session.flush()
    same = before == (lead.status, lead.next_step, lead.do_not_call, lead.objections)
    return (0 if same else 1), left


def _objections_by(call: Call, lead: Lead, events: Sequence[Event]) -> list[Any]:
    others = [entry for entry in lead.objections if entry.get("call_id") != str(call.id)]
    mine = [
        objection_entry(event, event.body)
        for event in events
        if isinstance(event.body, FactNoted) and event.body.kind is FactKind.OBJECTION
    ]
    return sorted([*others, *mine], key=lambda entry: str(entry.get("at", "")))


async def _refusals(call: Call, events: Sequence[Event], unit: UnitOfWork) -> None:
    """Keep a refusal that was said in the call; whether it holds, what was said last decides."""
    said = [event.at for event in events if _refuses(event.body)]
    if not said:
        return
    leads = LeadStore(unit)
    if not await RebuildStore(unit).has_refusal(call):
        leads.keep_refusal(call.number, said[0], call.id)
        await unit.session.flush()
    if await ConsentStore(unit).is_refused(Reached.PHONE, call.number):
        await leads.stop_calling(call.number, said[0])


def _refuses(body: Body) -> bool:
    if isinstance(body, FactNoted):
        return body.kind is FactKind.OPTED_OUT
    return isinstance(body, Finished) and body.outcome is Outcome.OPTED_OUT


async def _noted(call: Call, lead: Lead, events: Sequence[Event], unit: UnitOfWork) -> int:
    if call.content_erased_at is not None:
        return 0
    # Of calls of an earlier release the notes stand in one text of the lead's.
    known = await RebuildStore(unit).text_of_old(lead.id)
    kept = 0
    for event in events:
        text = noted(event.body).strip() if isinstance(event.body, FactNoted) else ""
        if text and text not in known:
            kept += await LeadNotes(unit).keep_from_call(call.id, lead.id, place_of(event), text, event.at)
    return kept


async def _notes(call: Call, events: Sequence[Event], unit: UnitOfWork) -> int:
    if not any(isinstance(event.body, Finished) for event in events) or await NoteStore(unit).get(call.id) is not None:
        return 0
    await ask_for_notes(call, unit)
    return 0 if await NoteStore(unit).get(call.id) is None else 1
