"""What the events of further legs change: the leg, and its money."""

from datetime import datetime

from crm.billing.ledger import Ledger
from crm.calls.model import Call
from crm.legs.money import meter_leg, settle_leg
from crm.legs.store import LegStore
from crm.unit_of_work import UnitOfWork
from events.call import Event
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded, LegMetered

CALL_OVER = "call_over"

LegEvent = LegAccepted | LegAnswered | LegArranged | LegMetered | LegEnded


async def take_leg(event: Event, body: LegEvent, call: Call, unit: UnitOfWork) -> None:
    """Apply one of them; a leg that is not known was permitted by nobody, and costs nothing."""
    leg = await LegStore(unit).get(body.leg)
    if leg is None or leg.call_id != call.id:
        return
    match body:
        case LegAccepted():
            leg.carrier_call_id = body.carrier_call_id
        case LegAnswered():
            leg.answered_at = event.at
        case LegArranged():
            leg.arrangement = body.arrangement
        case LegMetered():
            await meter_leg(leg, call, body.billable_s, Ledger(unit))
        case LegEnded():
            leg.ended_at, leg.reason = event.at, body.reason
            await settle_leg(leg, call, body.billable_s, event.at, Ledger(unit))


async def close_legs(call: Call, at: datetime, unit: UnitOfWork) -> None:
    """The call is over: of a leg whose end nobody told, what was metered is what it cost."""
    for leg in await LegStore(unit).of_call(call.id):
        if leg.settled_at is None:
            await settle_leg(leg, call, leg.billable_s, at, Ledger(unit))
            leg.ended_at, leg.reason = leg.ended_at or at, leg.reason or CALL_OVER
