"""One transaction with its tenant: the only place that sets who a transaction acts for.

Row-level security reads `app.org` (and for signing in `app.email` and `app.user`, for a call that comes in
`app.number`), the changes of leads `app.by`; they end with the transaction, so a pooled connection never carries one
tenant's identity to the next request.
"""

import asyncio
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from crm.author import Author
from crm.database import Sessions

# More than acquiring a connection may take (W15), so that an exhausted pool is told from a slow statement.
UNIT_TIMEOUT_S: Final = 40.0
_SET: Final = text("SELECT set_config(:name, :value, true)")

_SET_BOTH: Final = text("SELECT set_config('app.org', :org, true), set_config('app.by', :by, true)")


class UnitOfWork:
    """`async with unit:` is one transaction; what is not committed is rolled back. Used again, it is a new one."""

    def __init__(
        self,
        sessions: Sessions,
        org_id: UUID | None = None,
        *,
        by: Author | None = None,
        otherwise: Sessions | None = None,
    ) -> None:
        """Without `org_id` the transaction sees no tenant's rows.

        Args:
            by: who makes its changes; None: ourselves.
            otherwise: where it is entered when the first cannot be reached: of a replica, the primary.
        """
        self._sessions = sessions
        self._otherwise = otherwise
        self._org_id = org_id
        self._by = by
        self._whole: UnitOfWork | None = None  # what this one is a part of
        self._savepoint: AsyncSessionTransaction | None = None  # of a part, until it is committed
        self._session: AsyncSession | None = None
        self._limit: asyncio.Timeout | None = None

    @property
    def org_id(self) -> UUID:
        assert self._org_id is not None, "this unit of work acts for no organisation"
        return self._org_id

    @property
    def session(self) -> AsyncSession:
        assert self._session is not None, "the unit of work is not entered"
        return self._session

    async def __aenter__(self) -> Self:
        assert self._session is None, "a unit of work is not entered twice"
        if self._whole is not None:
            session = self._whole.session
            self._savepoint = await session.begin_nested()
            self._session = session
            return self
        # Held across the whole unit and left in __aexit__, in the same task.
        self._limit = asyncio.timeout(UNIT_TIMEOUT_S)
        await self._limit.__aenter__()
        try:
            try:
                await self._begin()
            except (OperationalError, InterfaceError, PoolExhausted):
                if self._otherwise is None:
                    raise
                await self._begin_otherwise(self._otherwise)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def _begin(self) -> None:
        self._session = self._sessions()
        if self._org_id is not None and self._by is not None:
            await self._session.execute(_SET_BOTH, {"org": str(self._org_id), "by": str(self._by)})
        elif self._org_id is not None:
            await self._set("app.org", str(self._org_id))

    async def _begin_otherwise(self, sessions: Sessions) -> None:
        self._sessions, self._otherwise = sessions, None
        if self._session is not None:
            await self._session.close()
        await self._begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if self._whole is not None:
            savepoint, self._savepoint = self._savepoint, None
            if savepoint is not None:
                await savepoint.rollback()
            return
        limit, self._limit = self._limit, None
        try:
            if session is not None:
                await session.close()
        finally:
            if limit is not None:
                await limit.__aexit__(kind, error, trace)

    async def commit(self) -> None:
        """Make what was done last. The unit is over: leave it before doing more."""
        if self._whole is None:
            await self.session.commit()
            return
        assert self._savepoint is not None, "a part is committed once"
        await self._savepoint.commit()
        self._savepoint = None

    def part(self) -> "UnitOfWork":
        """Return a unit whose transaction is a part of this one's, which is entered while the part is.

        What the part commits is made last when this one commits, and is lost with it; what the part does not commit
        is undone when it is left, and nothing else of this one. For what takes a unit of its own, called by what has
        more to do in the same transaction.
        """
        made = UnitOfWork(self._sessions, self._org_id)
        made._whole = self
        return made

    async def look_for_email(self, email: str) -> None:
        """Let this transaction see the user of that address: signing in knows no organisation yet."""
        await self._set("app.email", email)

    async def keep_lead_notes(self) -> None:
        """Say that this transaction writes the texts of leads' notes itself, beside their rows (r0043)."""
        await self._set("app.notes_kept", "on")

    async def made_by(self, author: Author) -> None:
        """Say who makes the changes that are written from here on, in a transaction that has several authors."""
        await self._set("app.by", str(author))

    async def act_as_user(self, user_id: UUID) -> None:
        """Let this transaction see that user and their memberships in all organisations."""
        await self._set("app.user", str(user_id))

    async def look_for_number(self, number: str) -> None:
        """Let this transaction see whose a phone number is: who rings it names no organisation."""
        await self._set("app.number", number)

    async def _set(self, name: str, value: str) -> None:
        await self.session.execute(_SET, {"name": name, "value": value})
