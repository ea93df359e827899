"""Mail addresses of leads: one lead of an organisation has each (S48).

Leads that shared an address before that was so are marked, all but one (`email_twin`, migration r0038), and are to be
merged by a person. Whoever takes an address away from a lead lets another one of these take it over, by `settle`.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from crm.leads.model import Lead
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

# A part of the unique index's name in every partition.
_INDEX: Final = "email_twin"
_SETTLE: Final = text("""
    UPDATE leads SET email_twin = NULL WHERE org_id = :org AND email_twin IS NOT NULL AND id = (
        SELECT id FROM leads WHERE org_id = :org AND email = :email
        ORDER BY (email_twin IS NULL) DESC, created_at, id LIMIT 1)""")
_PART: Final = text("UPDATE leads SET email_twin = id WHERE org_id = :org AND id = :id")
_NONE: Final = text("UPDATE leads SET email_twin = NULL WHERE org_id = :org AND id = :id AND email IS NULL")


class LeadExists(Refusal):
    """Names the lead that has the address: change that one, or merge the two."""

    def __init__(self, lead_id: UUID) -> None:
        super().__init__("lead_exists", {"field": "body.email", "lead_id": str(lead_id)})


class LeadAddresses:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def holder(self, email: str, but: UUID | None = None) -> UUID | None:
        """Return the lead that has the address, other than one; of several the oldest."""
        having = select(Lead.id).where(Lead.org_id == self._org_id, Lead.email == email)
        if but is not None:
            having = having.where(Lead.id != but)
        return await self._session.scalar(having.order_by(Lead.created_at, Lead.id).limit(1))

    async def check_free(self, email: str | None, but: UUID | None = None) -> None:
        """Raises LeadExists."""
        holder = await self.holder(email, but) if email is not None else None
        if holder is not None:
            raise LeadExists(holder)

    async def part(self, lead_id: UUID) -> None:
        """Let the lead have any address for now; `settle_of` is to follow in the same transaction."""
        await self._session.execute(_PART, {"org": self._org_id, "id": lead_id})

    async def settle_of(self, lead_id: UUID, *emails: str | None) -> None:
        """End what `part` began: `emails` are those that the lead had and has, and those of others beside it."""
        await self._session.execute(_NONE, {"org": self._org_id, "id": lead_id})
        await self.settle(*emails)

    async def settle(self, *emails: str | None) -> None:
        """Let one lead of each address have it for itself, the one that has already, or the oldest."""
        for email in {email for email in emails if email is not None}:
            await self._session.execute(_SETTLE, {"org": self._org_id, "email": email})


async def refusal_of(error: IntegrityError, email: str | None, unit: UnitOfWork) -> Exception:
    """Return what a write is refused with that another one of the same address was quicker than.

    Args:
        unit: its transaction is lost, and it is left.
    """
    named = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""
    if _INDEX not in named or email is None:
        return error
    async with unit:
        holder = await LeadAddresses(unit).holder(email)
    # Gone again meanwhile: whoever asks once more gets through.
    return LeadExists(holder) if holder is not None else Refusal("conflict")
