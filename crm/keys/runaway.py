"""An API key whose program runs wild is taken back, and the organisation's admins are told (S112)."""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from crm.identity.model import Member, MemberStatus, User
from crm.keys.usecases import KeyNotFound, revoke_key
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork

WHY: Final = "ran_wild"

log = structlog.get_logger()


async def take_back(key_id: UUID, unit: UnitOfWork) -> None:
    """Revoke the key and write to every admin, once."""
    try:
        key = await revoke_key(key_id, WHY, unit)
    except KeyNotFound:
        return
    log.warning("key.revoked", key_id=str(key_id), why=WHY)
    text = (
        f"The API key {key.name!r} ({key.prefix}…) was revoked: within an hour a thousand of its requests were over a\n"
        "limit or beyond its scopes. Mend the program that uses it, then make a new key.\n"
    )
    async with unit:
        admins = select(User.email).join(Member, Member.user_id == User.id)
        active = Member.role == Role.ADMIN.value, Member.status == MemberStatus.ACTIVE.value
        for email in await unit.session.scalars(admins.where(Member.org_id == unit.org_id, *active)):
            await MAIL.send(unit, Letter(email, "An API key was revoked", text), key=f"key_wild:{key_id}:{email}")
        await unit.commit()
