"""What a call costs while it lives: reserve, meter, settle. Each runs in the caller's transaction.

A reservation moves credits from the wallet to what is held; metering and settling move what was used on to
revenue; the rest goes back at the end. `call` is locked by the caller, or new.
"""

from dataclasses import dataclass
from datetime import datetime

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls.model import Call
from events.money import Millicredits, price_of_seconds, seconds_paid_by


@dataclass(frozen=True, slots=True)
class Funding:
    """What a wallet can pay of a call."""

    seconds: int
    amount: Millicredits


def funding_for(balance: Millicredits, per_minute: Millicredits, max_s: int) -> Funding:
    """Return the seconds that `balance` pays for, `max_s` at most, and their price."""
    seconds = min(max_s, seconds_paid_by(balance, per_minute))
    return Funding(seconds, price_of_seconds(seconds, per_minute))


def seconds_on_credit(paid: Funding, left: Millicredits, per_minute: Millicredits, max_s: int) -> Funding:
    """Return what a call may last beyond `paid`, on `left` credits that nobody has paid for, and what that costs."""
    seconds = min(max_s - paid.seconds, seconds_paid_by(left, per_minute))
    whole = price_of_seconds(paid.seconds + seconds, per_minute)
    return Funding(seconds, Millicredits(whole - paid.amount))


async def reserve_call(call: Call, ledger: Ledger) -> None:
    """Hold `call.reserved` of the wallet.

    Raises:
        NoCredit: the wallet has less by now.
    """
    moves = {AccountKind.WALLET: -call.reserved, AccountKind.HELD: call.reserved}
    await ledger.post("reserve", f"reserve:{call.id}", moves, call.id)


async def meter_call(call: Call, billable_s: int, ledger: Ledger) -> None:
    """Charge the seconds used so far, as far as they are held; a repeat or an older sum costs nothing."""
    due = _due(call, billable_s)
    paid = min(due, call.held)
    if paid <= 0:
        return
    moves = {AccountKind.HELD: -paid, AccountKind.REVENUE: paid}
    await ledger.post("meter", f"meter:{call.id}:{billable_s}", moves, call.id)
    call.held -= paid
    call.charged += paid


async def settle_call(call: Call, billable_s: int, at: datetime, ledger: Ledger) -> None:
    """Charge what is still owed and give back what is left. Settling again charges a difference, if any.

    What exceeds the reservation is taken from the wallet as far as that goes; the rest is booked as a
    shortfall, so that the revenue is what was used and the wallet never negative.
    """
    due = _due(call, billable_s)
    # What the reservation pays needs no look at the wallet, which others then need not wait for.
    wallet = await ledger.lock_wallet() if due > call.held else Millicredits(0)
    from_held = min(due, call.held)
    from_wallet = min(due - from_held, wallet)
    short = due - from_held - from_wallet
    back = call.held - from_held
    moves = {
        AccountKind.WALLET: back - from_wallet,
        AccountKind.HELD: -call.held,
        AccountKind.REVENUE: due,
        AccountKind.SHORTFALL: -short,
    }
    await ledger.post("settle", f"settle:{call.id}:{call.epoch}:{call.seq}", moves, call.id)
    call.held = 0
    call.charged += due
    call.settled_at = at
    call.balance_after = await ledger.wallet()


def _due(call: Call, billable_s: int) -> int:
    used = price_of_seconds(billable_s, Millicredits(call.price_per_minute))
    return max(0, used - call.charged)
