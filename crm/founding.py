"""What an organisation has from its first moment: one step a feature, each in the transaction that founds it."""

from collections.abc import Awaitable, Callable
from typing import Final

from crm.billing.ledger import Ledger
from crm.unit_of_work import UnitOfWork

Step = Callable[[UnitOfWork], Awaitable[None]]


async def _open_accounts(unit: UnitOfWork) -> None:
    await Ledger(unit).open_accounts()


# In this order; the organisation, its first person and their membership are there already.
STEPS: Final[tuple[Step, ...]] = (_open_accounts,)
