"""Calls as rows, without a dial: funded from the wallet, and settled."""

from typing import Any
from uuid import UUID

from crm.billing.call_money import reserve_call, settle_call
from crm.billing.ledger import Ledger
from crm.calls.model import Call
from crm.calls.store import CallStore
from crm.database import Sessions, utc_now
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits, price_of_seconds
from tests.crm.conftest import NUMBER, Org

PER_MINUTE = Millicredits(10_000)


async def fund_call(sessions: Sessions, org: Org, *, seconds: int = 600, **changes: Any) -> UUID:
    """Make a call of `org` whose seconds are reserved."""
    amount = price_of_seconds(seconds, PER_MINUTE)
    values: dict[str, Any] = {
        "id": new_id(),
        "lead_id": org.lead_id,
        "agent_id": org.agent_id,
        "decision_id": new_id(),
        "number": NUMBER,
        "node": "node-a",
        "funded_s": seconds,
        "price_per_minute": PER_MINUTE,
        "reserved": amount,
        "held": amount,
        "balance_before": 0,
    }
    async with UnitOfWork(sessions, org.id) as unit:
        call = Call(org_id=org.id, **(values | changes))
        unit.session.add(call)
        await unit.session.flush()
        await reserve_call(call, Ledger(unit))
        await unit.commit()
        return call.id


async def settle(sessions: Sessions, org: Org, call_id: UUID, seconds: int) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        call = await CallStore(unit).lock(call_id)
        assert call is not None
        call.seq += 1
        await settle_call(call, seconds, utc_now(), Ledger(unit))
        call.ended_at = utc_now()
        await unit.commit()


async def settled_call(sessions: Sessions, org: Org, *, seconds: int = 60) -> UUID:
    """Make a call that took so long and was charged for it."""
    call_id = await fund_call(sessions, org)
    await settle(sessions, org, call_id, seconds)
    return call_id
