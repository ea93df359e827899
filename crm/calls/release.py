"""Ends a call that no voice node speaks for: nothing was dialled, so nothing is owed."""

from uuid import UUID

from crm.billing.call_money import settle_call
from crm.billing.ledger import Ledger
from crm.calls.store import CallStore
from crm.database import utc_now
from crm.unit_of_work import UnitOfWork
from events.call import Outcome, State


async def release_call(unit: UnitOfWork, call_id: UUID, outcome: Outcome, reason: str) -> bool:
    """Fail the call and give its reservation back, within the caller's transaction.

    Returns False and changes nothing when the voice process has spoken for the call: then its events decide.
    """
    calls = CallStore(unit)
    call = await calls.lock(call_id)
    if call is None:
        return False
    await calls.confirm_dials([call_id])
    if call.epoch > 0 or call.seq > 0 or call.settled_at is not None:
        return False
    now = utc_now()
    await settle_call(call, 0, now, Ledger(unit))
    call.state = State.FAILED.value
    call.outcome = outcome.value
    call.reason = reason
    call.ended_at = now
    call.closed = True
    return True
