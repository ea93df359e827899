"""Founding organisations: by the operator, by somebody who is signed in, and by whoever signs up where that is open.

Whoever is not signed in is invited as the first admin, by mail: so nothing tells whether an address is known here, and
nobody founds anything in the name of somebody else.
"""

import hmac
import re
import secrets
import unicodedata
from datetime import timedelta
from typing import Final
from uuid import UUID

from crm.billing.plans import Plans
from crm.database import Sessions, utc_now
from crm.identity.model import Member, Organisation
from crm.identity.tokens import Identity
from crm.identity.usecases import begin_organisation
from crm.invitations.usecases import GOOD_FOR, add_invitation
from crm.jobs.queue import JOBS
from crm.limits.counts import Counts
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


async def found_for(name: str, email: str, plans: Plans, sessions: Sessions) -> UUID:
    """Found an organisation whose first admin is invited, by the operator's word; return its id."""
    async with UnitOfWork(sessions, new_id()) as unit:
        await _found_for(name, email, plans, unit)
        await unit.commit()
        return unit.org_id


async def found_mine(name: str, person: Identity, sessions: Sessions) -> Organisation:
    """Found one more organisation, whose admin one is at once."""
    async with UnitOfWork(sessions, new_id()) as unit:
        organisation = await begin_organisation(name, slug_of(name), unit)
        unit.session.add(Member(org_id=unit.org_id, user_id=person.user_id, role=Role.ADMIN.value))
        await unit.commit()
        return organisation


async def _found_for(name: str, email: str, plans: Plans, unit: UnitOfWork) -> None:
    await begin_organisation(name, slug_of(name), unit)
    await add_invitation(email, Role.ADMIN, None, plans, unit)


def slug_of(name: str) -> str:
    """Return what an organisation is called in addresses: letters, digits, dashes, and an end that nobody else has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_CHARS_MAX].strip("-")
    return f"{words or 'org'}-{secrets.token_hex(4)}"
