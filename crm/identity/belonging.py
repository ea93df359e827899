"""Whether somebody who is to have something belongs to the organisation."""

from uuid import UUID

from crm.identity.model import Member
from crm.refusals import bad_field
from crm.unit_of_work import UnitOfWork


async def check_member(user_id: UUID | None, field: str, unit: UnitOfWork) -> None:
    """Let through nobody at all, and members. Raises Refusal: `invalid_request`, naming the field."""
    if user_id is None or await unit.session.get(Member, (unit.org_id, user_id)) is not None:
        return
    raise bad_field(field, "is no member of this organisation: take a person's id from it")
