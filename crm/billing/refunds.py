"""Giving back what a call was charged: never more than was charged, however often it is asked for."""

from dataclasses import dataclass
from uuid import UUID

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind, Refund
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits


class CallNotSettled(Refusal):
    """What it costs is not known yet."""

    def __init__(self, call_id: UUID) -> None:
        super().__init__("call_not_settled", {"call_id": str(call_id)})


class RefundTooLarge(Refusal):
    """More is asked for than is left of what was charged; nothing was given back."""

    def __init__(self, charged: int, refunded: int) -> None:
        left = charged - refunded
        super().__init__("refund_too_large", {"charged": charged, "refunded": refunded, "left": left})


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """`amount` None: all that is left of what the call was charged."""

    reason: str
    amount: Millicredits | None = None
    by: UUID | None = None  # the member who asked; None: the operator


async def refund_call(call_id: UUID, asked: RefundRequest, unit: UnitOfWork) -> Refund:
    """Take credits out of the revenue and back to whom they came from.

    Raises:
        CallNotFound, CallNotSettled, RefundTooLarge
    """
    async with unit:
        # Its lock is what two refunds of one call wait at.
        call = await CallStore(unit).lock(call_id)
        if call is None:
            raise CallNotFound(call_id)
        if call.settled_at is None:
            raise CallNotSettled(call_id)
        left = call.charged - call.refunded
        amount = left if asked.amount is None else asked.amount
        if not 0 < amount <= left:
            raise RefundTooLarge(call.charged, call.refunded)
        made = Refund(
            org_id=unit.org_id, id=new_id(), call_id=call_id, amount=amount, reason=asked.reason, by_user=asked.by
        )
        unit.session.add(made)
        call.refunded += amount
        await unit.session.flush()
        await Ledger(unit).take_in(
            Millicredits(amount), AccountKind.REVENUE, "refund", f"refund:{call_id}:{made.id}", call_id
        )
        await unit.commit()
        return made
