"""Takes many events of one organisation in one transaction: the fast way, for events that come as they should.

Here an unknown call, a gap, events that were parked or effects that fail are no cases to deal with: the whole batch is
given up, nothing of it is kept, and the caller takes smaller ones, at last each entry alone (intake).
"""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from crm.billing.ledger import Ledger
from crm.calls.effects import apply
from crm.calls.intake import Mark
from crm.calls.model import Call
from crm.calls.parked import ParkedStore
from crm.calls.sequence import Place, place
from crm.calls.step import Step
from crm.calls.store import CallStore
from crm.unit_of_work import UnitOfWork
from events.call import Event, Finished, TurnFinished, TurnTimed
from events.understanding import CallerUnderstood

log = structlog.get_logger()


class NotTogether(Exception):
    """Something in the batch has to be taken alone."""


async def take_together(events: Sequence[Event], unit: UnitOfWork) -> list[Mark]:
    """Take events of the unit's organisation, in their order; one mark for each call.

    Raises:
        NotTogether: nothing must be committed.
        DBAPIError: the database is away, or refuses an event's effects; the same holds.
    """
    store = CallStore(unit)
    call_ids = sorted({event.call_id for event in events})
    calls = {call.id: call for call in await store.lock_all(call_ids)}
    if len(calls) < len(call_ids):
        raise NotTogether("unknown call")
    if await ParkedStore(unit).any_of(call_ids):
        raise NotTogether("events wait for their turn")
    if any(isinstance(event.body, Finished) for event in events):
        # Metering one call and then settling another would take the accounts in the wrong order.
        await Ledger(unit).lock_wallet()
    unheard = [call.id for call in calls.values() if (call.epoch, call.seq) == (0, 0)]
    if unheard:
        await store.confirm_dials(unheard)
    step = Step(unit)
    await _look_up_turns(events, step)
    try:
        for event in events:
            await _take(event, calls[event.call_id], step)
        await step.write()
    except (DBAPIError, NotTogether, PoolExhausted, TimeoutError):
        raise
    except Exception as error:
        # The bad event is found, and set aside, when it is taken alone.
        raise NotTogether(type(error).__name__) from error
    return [_mark(call, unit.org_id) for call in calls.values()]


async def _look_up_turns(events: Sequence[Event], step: Step) -> None:
    turns = {
        (event.call_id, event.body.turn)
        for event in events
        if isinstance(event.body, TurnFinished | TurnTimed | CallerUnderstood)
    }
    if turns:
        await step.look_up_turns({call_id for call_id, _ in turns}, {number for _, number in turns})


async def _take(event: Event, call: Call, step: Step) -> None:
    match place((call.epoch, call.seq), (event.epoch, event.seq)):
        case Place.NEXT:
            call.epoch, call.seq = event.epoch, event.seq
            await apply(event, call, step)
        case Place.GAP:
            raise NotTogether("gap")
        case Place.STALE:
            log.warning("event.stale", call_id=str(event.call_id), epoch=event.epoch, seq=event.seq)
        case Place.DUPLICATE:
            pass


def _mark(call: Call, org_id: UUID) -> Mark:
    return Mark(org_id, call.id, call.epoch, call.seq)
