"""Founding organisations: by the operator, by somebody who is signed in, and by whoever signs up where that is open.

Whoever is not signed in is invited as the first admin, by mail: so nothing tells whether an address is known here, and
nobody founds anything in the name of somebody else.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from crm.billing.plans import Plans
from crm.billing.replay import organisations_after
from crm.database import Sessions, utc_now
from crm.identity.model import Member, Organisation
from crm.identity.store import PeopleStore
from crm.identity.tokens import Identity
from crm.identity.usecases import begin_organisation
from crm.invitations.model import Invitation
from crm.invitations.usecases import GOOD_FOR, add_invitation, link_of
from crm.jobs.queue import JOBS
from crm.limits.counts import Counts
from crm.mail.port import Link
from crm.permissions import Role
from crm.refusals import Refusal
from crm.sign_up.jobs import FORGET
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

# An address gets so many letters in so long: anybody may type anybody's.
PER_ADDRESS_MAX: Final = 3
PER_ADDRESS_S: Final = 3_600
SLUG_CHARS_MAX: Final = 40
_FORGOTTEN_AFTER: Final = GOOD_FOR + timedelta(hours=1)


class SignUpClosed(Refusal):
    def __init__(self) -> None:
        super().__init__("sign_up_closed")


async def sign_up(name: str, email: str, plans: Plans, sessions: Sessions, counts: Counts, key: str) -> None:
    """Found an organisation for whoever reads the mail of that address.

    It is forgotten when nobody has come by the end of the invitation. Too many for one address do nothing, silently.
    """
    whose = hmac.digest(key.encode(), f"sign_up:{email}".encode(), "sha256").hex()
    if await counts.add(f"sign_up:{whose}", PER_ADDRESS_S) > PER_ADDRESS_MAX:
        return
    async with UnitOfWork(sessions, new_id()) as unit:
        await _found_for(name, email, plans, unit)
        at = utc_now() + _FORGOTTEN_AFTER
        await JOBS.defer(unit, FORGET, {"org_id": str(unit.org_id)}, at=at)
        await unit.commit()


@dataclass(frozen=True, slots=True)
class Founded:
    """`link` is the first admin's, as it stands in their letter, for an operator without mail."""

    org_id: UUID
    link: Link


@dataclass(frozen=True, slots=True)
class Listed:
    org_id: UUID
    name: str
    slug: str
    members: int
    created_at: datetime


async def found_for(name: str, email: str, plans: Plans, sessions: Sessions) -> Founded:
    """Found an organisation whose first admin is invited, by the operator's word."""
    async with UnitOfWork(sessions, new_id()) as unit:
        invitation = await _found_for(name, email, plans, unit)
        await unit.commit()
        return Founded(unit.org_id, link_of(invitation))


async def list_organisations(sessions: Sessions, after: UUID | None, most: int) -> tuple[Sequence[Listed], UUID | None]:
    """Return organisations in the order in which they were founded, and what the next page is after, if there is one.

    Each is read as itself: nobody's transaction sees more than one.
    """
    found = await organisations_after(sessions, after, most)
    told = []
    for org_id in found:
        async with UnitOfWork(sessions, org_id) as unit:
            organisation = await unit.session.get(Organisation, org_id)
            # One that was deleted just now is no more.
            if organisation is not None:
                members = len(await PeopleStore(unit).members())
                told.append(Listed(org_id, organisation.name, organisation.slug, members, organisation.created_at))
    return told, found[-1] if len(found) == most else None


async def found_mine(name: str, person: Identity, sessions: Sessions) -> Organisation:
    """Found one more organisation, whose admin one is at once."""
    async with UnitOfWork(sessions, new_id()) as unit:
        organisation = await begin_organisation(name, slug_of(name), unit)
        unit.session.add(Member(org_id=unit.org_id, user_id=person.user_id, role=Role.ADMIN.value))
        await unit.commit()
        return organisation


async def _found_for(name: str, email: str, plans: Plans, unit: UnitOfWork) -> Invitation:
    await begin_organisation(name, slug_of(name), unit)
    return await add_invitation(email, Role.ADMIN, None, plans, unit)


def slug_of(name: str) -> str:
    """Return what an organisation is called in addresses: letters, digits, dashes, and an end that nobody else has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_CHARS_MAX].strip("-")
    return f"{words or 'org'}-{secrets.token_hex(4)}"
