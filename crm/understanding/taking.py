"""What the events of understanding change: the mood of a turn, the objections of a call, its alert, and its notes.

Runs inside the transaction that applies the event, on a call that is locked.
"""

from itertools import zip_longest
from typing import Any

from crm.calls.model import Call
from crm.calls.step import Step
from crm.understanding.store import NoteStore, ObjectionStore
from crm.unit_of_work import UnitOfWork
from events.call import Event, Speaker
from events.understanding import CallerAngry, CallerUnderstood


async def take_understood(event: Event, heard: CallerUnderstood, call: Call, step: Step) -> None:
    turn = await step.turn(event.call_id, event.epoch, heard.turn, Speaker.CALLER.value)
    turn.mood = heard.mood.value
    turn.sentiment = max(-1.0, min(1.0, heard.sentiment))
    turn.sentiment_confidence = max(0.0, min(1.0, heard.confidence))
    store = ObjectionStore(step.unit)
    for objection in objections_in(event, heard, call):
        await store.add(objection)


def objections_in(event: Event, heard: CallerUnderstood, call: Call) -> list[dict[str, Any]]:
    """Return the objections of an utterance as they are kept: by epoch, turn and kind each is there once."""
    quotes = heard.quotes[: len(heard.objections)]
    return [
        {
            "call_id": call.id,
            "lead_id": call.lead_id,
            "epoch": event.epoch,
            "turn": heard.turn,
            "kind": kind.value,
            "quote": quote,
            "language": language_of(call),
            "source": heard.source,
            "at": event.at,
        }
        for kind, quote in zip_longest(heard.objections, quotes)
    ]


def take_angry(event: Event, _alert: CallerAngry, call: Call) -> None:
    call.angry_at = call.angry_at or event.at


async def ask_for_notes(call: Call, unit: UnitOfWork) -> None:
    """Have the notes of a call that is over written, where the prospect said anything."""
    if call.content_erased_at is not None:
        return
    store = NoteStore(unit)
    if any(turn.speaker == Speaker.CALLER.value and turn.text for turn in await store.said(call.id)):
        await store.open(call.id)
        await store.call_worker(call.id)


def language_of(call: Call) -> str:
    """Return the language of a call's agent, without its country; empty where it is not known."""
    return str((call.agent or {}).get("language", "")).partition("-")[0].lower()
