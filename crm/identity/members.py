"""What admins do with members: change their role, suspend them, take them out. One admin always stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crm.identity.member_store import MemberStore
from crm.identity.model import Member, MemberStatus, User
from crm.identity.standings import Standings
from crm.identity.store import PeopleStore
from crm.permissions import Role
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork


class MemberNotFound(Refusal):
    def __init__(self, user_id: UUID) -> None:
        super().__init__("member_not_found", {"user_id": user_id})


class LastAdmin(Refusal):
    """Nobody would be left who could let anybody in."""

    def __init__(self) -> None:
        super().__init__("last_admin")


@dataclass(frozen=True, slots=True)
class MemberChange:
    """None leaves it as it is."""

    role: Role | None = None
    status: MemberStatus | None = None


async def list_members(unit: UnitOfWork) -> Sequence[tuple[Member, User]]:
    async with unit:
        return await MemberStore(unit).all()


async def change_member(
    user_id: UUID, change: MemberChange, standings: Standings, unit: UnitOfWork
) -> tuple[Member, User]:
    """Change a member's role or status; it holds at once, for tokens that are out too.

    Raises:
        MemberNotFound, LastAdmin
    """
    async with standings.changing(user_id), unit:
        store = MemberStore(unit)
        await store.lock()
        member, user = await _found(user_id, store)
        if change.role is not None:
            member.role = change.role.value
        if change.status is not None:
            member.status = change.status.value
        await unit.session.flush()
        await _keep_an_admin(store)
        await unit.commit()
        return member, user


async def remove_member(user_id: UUID, standings: Standings, unit: UnitOfWork) -> None:
    """Take a person out; who then belongs to no organisation is forgotten.

    Raises:
        MemberNotFound, LastAdmin
    """
    async with standings.changing(user_id), unit:
        store = MemberStore(unit)
        await store.lock()
        await _found(user_id, store)
        await store.remove(user_id)
        await _keep_an_admin(store)
        await PeopleStore(unit).delete_if_left_over(user_id)
        await unit.commit()


async def _found(user_id: UUID, store: MemberStore) -> tuple[Member, User]:
    found = await store.get(user_id)
    if found is None:
        raise MemberNotFound(user_id)
    return found


async def _keep_an_admin(store: MemberStore) -> None:
    if not await store.count_admins():
        raise LastAdmin
