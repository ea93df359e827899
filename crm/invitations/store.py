"""Invitations of one organisation in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from crm.identity.model import Member, User
from crm.invitations.model import Invitation
from crm.unit_of_work import UnitOfWork


class InvitationStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def open(self, now: datetime) -> Sequence[Invitation]:
        """Return those that may still be accepted, the newest first."""
        found = select(Invitation).where(*self._open(now)).order_by(Invitation.created_at.desc(), Invitation.id)
        return (await self._session.scalars(found)).all()

    async def count_open(self, now: datetime) -> int:
        found = select(func.count()).select_from(Invitation).where(*self._open(now))
        return int(await self._session.scalar(found) or 0)

    async def lock(self, invitation_id: UUID) -> Invitation | None:
        """Return it, accepted or not; nobody else accepts it until the transaction ends."""
        key = Invitation.org_id == self._org_id, Invitation.id == invitation_id
        found = select(Invitation).where(*key).with_for_update()
        return (await self._session.scalars(found.execution_options(populate_existing=True))).one_or_none()

    async def withdraw(self, invitation_id: UUID, now: datetime) -> bool:
        """Return whether there was one that could still be accepted."""
        gone = delete(Invitation).where(Invitation.id == invitation_id, *self._open(now)).returning(Invitation.id)
        return await self._session.scalar(gone, execution_options=_FAST) is not None

    async def withdraw_all_of(self, email: str) -> None:
        """Let no earlier invitation of that address be accepted."""
        of = Invitation.org_id == self._org_id, Invitation.email == email, Invitation.accepted_at.is_(None)
        await self._session.execute(delete(Invitation).where(*of), execution_options=_FAST)

    async def is_member(self, email: str) -> bool:
        of = select(Member.user_id).join(User, User.id == Member.user_id)
        found = of.where(Member.org_id == self._org_id, User.email == email)
        return await self._session.scalar(found) is not None

    def _open(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        return Invitation.org_id == self._org_id, Invitation.accepted_at.is_(None), Invitation.expires_at > now


_FAST: Final = {"synchronize_session": False}
