"""Own keys that a process of the CRM itself found refused, in chats say: marked as those are that a call found so."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Self
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from agent.llm.port import Failure
from agent.llm.registry import vendor_of
from agent.llm.usage import ModelCall
from crm.background import beside
from crm.database import Sessions, utc_now
from crm.providers.usecases import note_refusal
from crm.unit_of_work import UnitOfWork

KEPT_MAX: Final = 1_000  # keys that wait for Postgres; of more the newest are told of in the log alone
RETRY_S: Final = 10.0

log = structlog.get_logger()


class RefusedKeys:
    """`async with RefusedKeys.running(sessions) as refused`."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: dict[tuple[UUID, str], datetime] = {}
        self._noted = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(cls, sessions: Sessions) -> AsyncGenerator[Self]:
        refused = cls(sessions)
        async with beside(refused._mark(), "keys.mark"):
            yield refused

    def of(self, org_id: UUID) -> Callable[[ModelCall], None]:
        """Return what is told of each request of that organisation's."""

        def tell(call: ModelCall) -> None:
            if call.own_key and call.failure is Failure.REFUSED_KEY and len(self._waiting) < KEPT_MAX:
                self._waiting.setdefault((org_id, vendor_of(call.provider)), utc_now())
                self._noted.set()

        return tell

    async def _mark(self) -> None:
        while True:
            await self._noted.wait()
            self._noted.clear()
            for (org_id, vendor), at in tuple(self._waiting.items()):
                try:
                    async with UnitOfWork(self._sessions, org_id) as unit:
                        await note_refusal(unit, vendor, at)
                        await unit.commit()
                except (SQLAlchemyError, OSError, TimeoutError) as error:
                    log.warning("keys.not_marked", error=type(error).__name__)
                    self._noted.set()
                    await asyncio.sleep(RETRY_S)
                    break
                del self._waiting[org_id, vendor]
