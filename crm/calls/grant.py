"""What a call that is to be placed gets: seconds that are paid, seconds on credit so that it can end, and a slot.

Worked out on what is there now, and confirmed when the credits are reserved: others may have been quicker.
"""

from dataclasses import dataclass

from crm.billing.call_money import Funding, funding_for, seconds_on_credit
from crm.billing.conditions import Conditions
from crm.billing.ledger import Ledger
from crm.calls.slots import live
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits


class Outrun(Exception):
    """Other calls were placed meanwhile: as many as may be at a time, or with all the credit there was."""


@dataclass(frozen=True, slots=True)
class Grant:
    paid: Funding
    on_credit: Funding
    calls_live: int  # beside it; 0 where nobody counts

    @property
    def seconds(self) -> int:
        return self.paid.seconds + self.on_credit.seconds


async def grant(balance: Millicredits, conditions: Conditions, max_s: int, unit: UnitOfWork) -> Grant:
    """Return what a call may have, `max_s` at most."""
    paid, none = funding_for(balance, conditions.price, max_s), Funding(0, Millicredits(0))
    if not _counts(conditions):
        return Grant(paid, none, 0)
    now = await live(unit)
    if paid.seconds == max_s or not conditions.credit:
        return Grant(paid, none, now.calls)
    left = conditions.credit - now.credit - await Ledger(unit).owed()
    on_credit = seconds_on_credit(paid, Millicredits(max(0, left)), conditions.price, max_s)
    return Grant(paid, on_credit, now.calls)


async def confirm(conditions: Conditions, unit: UnitOfWork) -> None:
    """Make sure that the call which this transaction adds, and has just reserved credits for, is not too much.

    Raises:
        Outrun
    """
    if not _counts(conditions):
        return
    await unit.session.flush()
    now = await live(unit)
    most = conditions.plan.concurrent_calls
    if most is not None and now.calls > most:
        raise Outrun
    if now.credit and now.credit + await Ledger(unit).owed() > conditions.credit:
        raise Outrun


def _counts(conditions: Conditions) -> bool:
    return conditions.plan.concurrent_calls is not None or bool(conditions.credit)
