"""A person's sessions in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from crm.identity.model import UserSession
from crm.unit_of_work import UnitOfWork

# Devices and programs of one person at a time; the one that was not used for longest gives way.
SESSIONS_MAX: Final = 100


class SessionStore:
    """Sees one person's rows only, those of `user_id`; `begin` opens them."""

    def __init__(self, unit: UnitOfWork, user_id: UUID) -> None:
        self._unit = unit
        self._session = unit.session
        self._user_id = user_id

    async def begin(self) -> None:
        await self._unit.act_as_user(self._user_id)

    async def add(self, row: UserSession, now: datetime) -> None:
        """Keep a new one, and clear away what is over."""
        mine = UserSession.user_id == self._user_id
        newest = select(UserSession.id).where(mine).order_by(UserSession.used_at.desc()).offset(SESSIONS_MAX - 1)
        over = (UserSession.expires_at <= now) | UserSession.id.in_(newest)
        await self._session.execute(delete(UserSession).where(mine, over), execution_options=_FAST)
        self._session.add(row)
        await self._session.flush()

    async def lock(self, session_id: UUID, now: datetime) -> UserSession | None:
        """Return the session while it is alive; nobody else exchanges its token until the transaction ends."""
        alive = UserSession.id == session_id, UserSession.user_id == self._user_id, UserSession.expires_at > now
        return (await self._session.scalars(select(UserSession).where(*alive).with_for_update())).one_or_none()

    async def alive(self, now: datetime) -> Sequence[UserSession]:
        """Return them, the one used last first."""
        mine = UserSession.user_id == self._user_id, UserSession.expires_at > now
        return (
            await self._session.scalars(select(UserSession).where(*mine).order_by(UserSession.used_at.desc()))
        ).all()

    async def end(self, session_id: UUID) -> bool:
        """Return whether there was one."""
        one = UserSession.id == session_id, UserSession.user_id == self._user_id
        ended = delete(UserSession).where(*one).returning(UserSession.id)
        return await self._session.scalar(ended, execution_options=_FAST) is not None

    async def end_all(self, but: UUID | None = None) -> None:
        """End them all; `but` that one."""
        mine = delete(UserSession).where(UserSession.user_id == self._user_id)
        if but is not None:
            mine = mine.where(UserSession.id != but)
        await self._session.execute(mine, execution_options=_FAST)


_FAST: Final = {"synchronize_session": False}
