"""What a second telephone in a call costs while it lasts: reserve, meter, settle, each in the caller's transaction.

Its credits are held as a part of its call's: so whatever becomes of the leg's own events, the end of the call gives
back what is left, and no sum has to be kept twice. `call` is locked by the caller.
"""

from datetime import datetime

from crm.billing.call_money import Funding
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls.model import Call
from crm.legs.model import CallLeg
from events.money import Millicredits, price_of_seconds


async def reserve_leg(leg: CallLeg, call: Call, paid: Funding, ledger: Ledger) -> None:
    """Hold what a leg may cost.

    Raises:
        NoCredit: the wallet has less by now.
    """
    moves = {AccountKind.WALLET: -paid.amount, AccountKind.HELD: paid.amount}
    await ledger.post("reserve", f"reserve:leg:{leg.id}", moves, call.id)
    call.held += paid.amount


async def meter_leg(leg: CallLeg, call: Call, billable_s: int, ledger: Ledger) -> None:
    """Charge the seconds used so far; a repeat or an older sum costs nothing, and nothing beyond what is held."""
    if leg.settled_at is not None:
        return
    leg.billable_s = max(leg.billable_s, billable_s)
    used = price_of_seconds(billable_s, Millicredits(leg.price_per_minute))
    # Of what its call holds no more than the leg's part: the carrier ends it with its funds, give or take a second.
    due = min(used, leg.reserved) - leg.charged
    paid = min(due, call.held)
    if paid <= 0:
        return
    moves = {AccountKind.HELD: -paid, AccountKind.REVENUE: paid}
    await ledger.post("meter", f"meter:leg:{leg.id}:{billable_s}", moves, call.id)
    call.held -= paid
    leg.charged += paid


async def settle_leg(leg: CallLeg, call: Call, billable_s: int, at: datetime, ledger: Ledger) -> None:
    """Charge what is still owed and give back what is left; settling again changes nothing."""
    if leg.settled_at is not None:
        return
    await meter_leg(leg, call, billable_s, ledger)
    back = min(leg.reserved - leg.charged, call.held)
    leg.settled_at = at
    if back <= 0:
        return
    moves = {AccountKind.HELD: -back, AccountKind.WALLET: back}
    await ledger.post("settle", f"settle:leg:{leg.id}", moves, call.id)
    call.held -= back
