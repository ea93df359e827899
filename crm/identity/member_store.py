"""The members of one organisation in the database."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select

from crm.identity.model import Member, MemberStatus, Organisation, User
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork


class MemberStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def all(self) -> Sequence[tuple[Member, User]]:
        """Return everybody, the oldest membership first."""
        statement = (
            select(Member, User)
            .join(User, User.id == Member.user_id)
            .where(Member.org_id == self._org_id)
            .order_by(Member.created_at, Member.user_id)
        )
        return [(row.Member, row.User) for row in await self._session.execute(statement)]

    async def get(self, user_id: UUID) -> tuple[Member, User] | None:
        statement = (
            select(Member, User)
            .join(User, User.id == Member.user_id)
            .where(Member.org_id == self._org_id, Member.user_id == user_id)
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row.Member, row.User)

    async def lock(self) -> None:
        """Let nobody else change who belongs here until the transaction ends."""
        # Not FOR UPDATE: rows that point to the organisation may be added meanwhile.
        await self._session.execute(
            select(Organisation.id).where(Organisation.id == self._org_id).with_for_update(key_share=True)
        )

    async def count_admins(self) -> int:
        """Return how many admins can sign in."""
        admins = select(func.count()).where(
            Member.org_id == self._org_id,
            Member.role == Role.ADMIN.value,
            Member.status == MemberStatus.ACTIVE.value,
        )
        return int(await self._session.scalar(admins) or 0)

    async def remove(self, user_id: UUID) -> None:
        await self._session.execute(delete(Member).where(Member.org_id == self._org_id, Member.user_id == user_id))
