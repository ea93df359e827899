"""Putting credits into an organisation's wallet: by the operator, once for each reference of theirs."""

from crm.billing.alerts import rebase
from crm.billing.ledger import Ledger
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits


async def top_up(amount: Millicredits, reference: str, unit: UnitOfWork) -> bool:
    """Put credits in; False when that reference was booked before, and nothing is booked twice."""
    name = f"fund:{reference}"
    async with unit:
        ledger = Ledger(unit)
        await ledger.lock_wallet()
        if await ledger.is_booked(name):
            return False
        await ledger.fund(amount, name)
        await rebase(unit)
        await unit.commit()
        return True
