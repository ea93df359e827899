"""What an answer of a model costs: one generation of the price table, taken before it is made."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crm.billing.model import AccountKind
from crm.billing.posting_desk import LedgerBusy, Posting, PostingDesk
from events.ids import new_id
from events.money import Millicredits

# A process that stops waits no longer for it.
REFUND_TIMEOUT_S: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Charge:
    """One answer's; a script's has none, since no model is asked."""

    postings: PostingDesk
    org_id: UUID
    price: Millicredits
    id: UUID = field(default_factory=new_id)

    async def take(self) -> None:
        """Raises NoCredit, LedgerBusy, or what Postgres raises: nothing was taken, as far as anybody knows."""
        moves = {AccountKind.WALLET: -self.price, AccountKind.REVENUE: self.price}
        await self.postings.post(self.org_id, Posting("generation", f"generation:{self.id}", moves))

    async def give_back(self) -> None:
        """Refund it, once however often this is asked for; what cannot be booked is in the log."""
        moves = {AccountKind.WALLET: self.price, AccountKind.REVENUE: -self.price}
        try:
            async with asyncio.timeout(REFUND_TIMEOUT_S):
                await self.postings.post(self.org_id, Posting("refund", f"refund:generation:{self.id}", moves))
        except (LedgerBusy, SQLAlchemyError, OSError, TimeoutError) as error:
            log.error("generation.not_refunded", generation_id=str(self.id), error=type(error).__name__)
