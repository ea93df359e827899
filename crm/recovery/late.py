"""Carries out an event whose effects failed when its turn came, after later ones of its call have been applied.

What a later event has set anew stays as that left it; the rest is done as it would have been then. Effects that are
sums, rows of their own or differences (usage, turns, tasks, money) are the same whenever they happen.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from crm.calls.effects import apply
from crm.calls.erased_words import without_words
from crm.calls.model import Call
from crm.calls.step import Step
from crm.recovery.store import StoredEvents
from events.call import (
    Answered,
    AnswererKnown,
    CarrierAccepted,
    Closed,
    Event,
    Finished,
    RecordingFailed,
    RecordingStored,
    StateChanged,
)

_RECORDINGS: Final = (RecordingStored, RecordingFailed)
# By the kind of an event: those that, coming later, set the same of the call. Of ends only the last counts.
_SET_ANEW_BY: Final[Mapping[type, tuple[type, ...]]] = {
    StateChanged: (StateChanged, Finished),
    CarrierAccepted: (CarrierAccepted,),
    Answered: (Answered,),
    AnswererKnown: (AnswererKnown, Finished),
    RecordingStored: _RECORDINGS,
    RecordingFailed: _RECORDINGS,
    Finished: (Finished,),
}


async def apply_late(event: Event, call: Call, step: Step) -> bool:
    """Apply an event that is counted as applied; False when it is among the call's events already.

    The call is locked. Raises whatever the effects raise; nothing must be committed then.
    """
    stored = StoredEvents(step.unit)
    if await stored.has(event):
        return False
    kinds = [kind_of_type(kind) for kind in _SET_ANEW_BY.get(type(event.body), ())]
    if kinds and await stored.any_after(event, kinds):
        erased = call.content_erased_at is not None
        step.keep_event(msgspec.structs.replace(event, body=without_words(event.body)) if erased else event)
        call.event_count += 1
        await step.write()
        return True
    newest, closed = (call.epoch, call.seq), call.closed
    # What is booked is named after the place of its event.
    call.epoch, call.seq = event.epoch, event.seq
    await apply(event, call, step)
    await step.write()
    last = newest == (event.epoch, event.seq)
    (call.epoch, call.seq), call.closed = newest, closed or (last and isinstance(event.body, Closed))
    await step.unit.session.flush()
    return True


def kind_of_type(body: type) -> str:
    return str(body.__struct_config__.tag)  # type: ignore[attr-defined]  # every body is a tagged struct
