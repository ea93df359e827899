"""Organisations, people and memberships in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from crm.identity.model import Member, MemberStatus, Organisation, User, UserSession
from crm.identity.tokens import Identity
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


@dataclass(frozen=True, slots=True)
class Membership:
    org_id: UUID
    role: str


class PeopleStore:
    """Reads across organisations only what `look_for_email` and `act_as_user` of the unit have opened."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session

    async def by_email(self, email: str) -> User | None:
        await self._unit.look_for_email(email)
        return (await self._session.scalars(select(User).where(User.email == email))).one_or_none()

    async def add(self, email: str, full_name: str, password_hash: str) -> User:
        """Return the person of that address, whom another organisation may have added a moment ago."""
        await self._unit.look_for_email(email)
        put = insert(User).values(id=new_id(), email=email, full_name=full_name, password_hash=password_hash)
        await self._session.execute(put.on_conflict_do_nothing(index_elements=["email"]))
        return (await self._session.scalars(select(User).where(User.email == email))).one()

    async def memberships(self, user_id: UUID) -> Sequence[Membership]:
        """Return the organisations that let the person in, the oldest membership first."""
        await self._unit.act_as_user(user_id)
        active = Member.user_id == user_id, Member.status == MemberStatus.ACTIVE.value
        statement = select(Member.org_id, Member.role).where(*active).order_by(Member.created_at)
        return [Membership(row.org_id, row.role) for row in await self._session.execute(statement)]

    async def standing(self, person: Identity) -> str | None:
        """Return the role that the person of a token has now; None when session or membership stand no more."""
        await self._unit.act_as_user(person.user_id)
        session = UserSession.id == person.session_id, UserSession.expires_at > func.now()
        active = Member.org_id == person.org_id, Member.status == MemberStatus.ACTIVE.value
        joined = select(Member.role).join(UserSession, UserSession.user_id == Member.user_id)
        return await self._session.scalar(joined.where(Member.user_id == person.user_id, *active, *session))

    async def members(self) -> Sequence[UUID]:
        return (await self._session.scalars(select(Member.user_id).where(Member.org_id == self._unit.org_id))).all()

    async def delete_organisation(self) -> None:
        """Delete the unit's organisation with all its rows."""
        await self._session.execute(delete(Organisation).where(Organisation.id == self._unit.org_id))

    async def delete_if_left_over(self, user_id: UUID) -> None:
        """Delete a person who belongs to no organisation any more."""
        await self._unit.act_as_user(user_id)
        belongs = exists().where(Member.user_id == user_id)
        await self._session.execute(delete(User).where(User.id == user_id, ~belongs))
