"""What an organisation has from its first moment: one step a feature, each in the transaction that founds it."""

from collections.abc import Awaitable, Callable
from typing import Final

from crm.billing.ledger import Ledger
from crm.billing.model import LedgerDuty
from crm.pipelines.places import found_pipeline
from crm.unit_of_work import UnitOfWork

Step = Callable[[UnitOfWork], Awaitable[None]]


async def _open_accounts(unit: UnitOfWork) -> None:
    await Ledger(unit).open_accounts()


async def _note_ledger(unit: UnitOfWork) -> None:
    unit.session.add(LedgerDuty(org_id=unit.org_id))


# In this order. The organisation is there; nobody may belong to it yet: its first person may have to be asked.
STEPS: Final[tuple[Step, ...]] = (_open_accounts, _note_ledger, found_pipeline)
