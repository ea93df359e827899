"""Reads that a replica may answer (W15): whether it is there and near enough is looked at each second.

Away, too far behind, no replica at all, or a role that sees too much: the primary answers. What an organisation has
just written through this process it reads from the primary for as long as the replica may be behind.
"""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.database import Sessions, UnsafeRole, check_role, open_engine, open_sessions
from crm.lag import Lag

LOOK_EVERY_S: Final = 1.0
LOOK_TIMEOUT_S: Final = 2.0
# Less than for the primary, which is asked when this one does not answer.
ACQUIRE_TIMEOUT_S: Final = 2
WRITERS_MAX: Final = 10_000
_END: Final = text("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bigint)")
# Null where the server is no replica.
_REPLAYED: Final = text("SELECT CAST(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') AS bigint)")

log = structlog.get_logger()


class Replica:
    """One process's view of it; nothing is connected before the first look."""

    def __init__(self, url: str, primary: AsyncEngine, lag_max_s: float) -> None:
        self.engine: Final = open_engine(url, ACQUIRE_TIMEOUT_S)
        self.sessions: Final[Sessions] = open_sessions(self.engine)
        self._primary = primary
        self._lag_max_s = lag_max_s
        self._lag = Lag()
        self._why = "not looked at yet"
        self._role_checked = False
        self._wrote: OrderedDict[UUID, float] = OrderedDict()

    def serves(self, org_id: UUID) -> bool:
        """Whether the organisation's reads may go there now."""
        if self._why:
            return False
        wrote = self._wrote.get(org_id)
        return wrote is None or monotonic() - wrote > self._lag_max_s + LOOK_EVERY_S

    def note_write(self, org_id: UUID) -> None:
        """Have the organisation read what it writes now; of very many, those that wrote last."""
        self._wrote[org_id] = monotonic()
        self._wrote.move_to_end(org_id)
        if len(self._wrote) > WRITERS_MAX:
            self._wrote.popitem(last=False)

    async def look_for_ever(self) -> None:
        while True:
            await self.look(monotonic())
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self, now_s: float) -> None:
        """Find out whether it may be read from, until the next look."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                why = await self._fault(now_s)
        except (SQLAlchemyError, OSError, TimeoutError):
            why = "away"
        if why != self._why:
            if why:
                log.warning("replica.not_read_from", why=why)
            else:
                log.info("replica.read_from")
        self._why = why

    async def aclose(self) -> None:
        await self.engine.dispose()

    async def _fault(self, now_s: float) -> str:
        """Return why it may not be read from; empty: it may."""
        if not self._role_checked:
            try:
                await check_role(self.engine)
            except UnsafeRole as fault:
                return str(fault)
            self._role_checked = True
        async with self._primary.connect() as connection:
            self._lag.note(now_s, int(await connection.scalar(_END) or 0))
        async with self.engine.connect() as connection:
            replayed = await connection.scalar(_REPLAYED)
        if replayed is None:
            return "no replica"
        return "behind" if self._lag.behind_s(now_s, int(replayed)) > self._lag_max_s else ""
