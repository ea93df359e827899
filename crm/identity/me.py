"""What a signed-in person sees of themselves, across their organisations."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm.identity.model import Organisation, User
from crm.identity.store import PeopleStore
from crm.identity.tokens import Identity
from crm.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Me:
    user: User
    organisations: Sequence[tuple[Organisation, str]]  # each with the role there; the oldest membership first


async def read_me(person: Identity, unit: UnitOfWork) -> Me:
    async with unit:
        people = PeopleStore(unit)
        memberships = await people.memberships(person.user_id)
        organisations = [
            (await unit.session.get_one(Organisation, membership.org_id), membership.role) for membership in memberships
        ]
        return Me(await unit.session.get_one(User, person.user_id), organisations)
